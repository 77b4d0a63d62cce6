// Which frames of a slug are whole. A slug may have lain on the disk for years: what is to be taken
// from it is looked at before anybody counts on it.
#pragma once

#include "core/push/pieces.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/slug_file.hpp"

#include <utility>
#include <vector>

namespace shipit::push {

class WholeFrames {
  public:
    // `slug` outlives this.
    explicit WholeFrames(const slug::SlugFile& slug)
        : m_slug(slug), m_states(slug.data_frames().size(), State::not_wanted) {}

    // The frames of a stretch of one of the slug's files are to be looked at.
    void want(const Stretch& stretch);
    // Reads what is wanted and was not read yet, all of it, by all of `crew`. What cannot be read,
    // for whatever reason, is not whole.
    void look(slug::Crew& crew);
    // Whether all frames of a stretch were found whole.
    [[nodiscard]] bool hold(const Stretch& stretch) const;

  private:
    enum class State : char { not_wanted, wanted, whole, damaged };
    // From the first frame that a stretch lies in to the one after the last.
    [[nodiscard]] std::pair<std::size_t, std::size_t> frames_of(const Stretch& stretch) const;

    const slug::SlugFile& m_slug;
    std::vector<State> m_states; // of each frame
};

} // namespace shipit::push
