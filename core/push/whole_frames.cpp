#include "core/push/whole_frames.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <deque>

namespace shipit::push {

std::pair<std::size_t, std::size_t> WholeFrames::frames_of(const Stretch& stretch) const {
    const auto& frames = m_slug.data_frames();
    const auto begin = m_slug.extents()[stretch.entry].data + stretch.offset;
    const auto first = std::partition_point(
        frames.begin(), frames.end(), [&](const auto& frame) { return frame.span.end <= begin; });
    const auto end = std::partition_point(first, frames.end(), [&](const auto& frame) {
        return frame.span.begin < begin + stretch.size;
    });
    return {static_cast<std::size_t>(first - frames.begin()),
            static_cast<std::size_t>(end - frames.begin())};
}

void WholeFrames::want(const Stretch& stretch) {
    const auto [first, end] = frames_of(stretch);
    for (auto i = first; i < end; i++)
        if (m_states[i] == State::not_wanted)
            m_states[i] = State::wanted;
}

void WholeFrames::look(slug::Crew& crew) {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < m_states.size(); i++)
        if (m_states[i] == State::wanted)
            wanted.push_back(i);
    std::deque<slug::Decompressor> decompressors; // one for each worker; they do not move
    for (unsigned i = 0; i < crew.workers(); i++)
        decompressors.emplace_back(slug::Checksum::ignored);
    crew.run(wanted.size(), [&](unsigned worker, std::size_t job) {
        const auto frame = wanted[job];
        try {
            (void)m_slug.unpacked(frame, decompressors[worker]);
            m_states[frame] = State::whole;
        } catch (const Error&) {
            m_states[frame] = State::damaged;
        }
    });
}

bool WholeFrames::hold(const Stretch& stretch) const {
    const auto [first, end] = frames_of(stretch);
    for (auto i = first; i < end; i++)
        if (m_states[i] != State::whole)
            return false;
    return true;
}

} // namespace shipit::push
