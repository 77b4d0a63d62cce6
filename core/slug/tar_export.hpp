// A slug as a plain tar, for programs that know no slugs.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/slug_file.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace shipit::slug {

// Takes bytes that come one after the other; may throw.
using Sink = std::function<void(std::string_view)>;

// The unpacked stream as shipit-slug(5) tells of it: what `zstd -d` makes of the slug. The same
// slug is the same bytes. Throws Error (corrupt) where the slug is damaged.
void write_tar(const SlugFile& slug, const Sink& sink, const Progress& progress);

// The same entries inside of a folder ("app"), which is an entry, too.
void write_tar_below(const std::string& folder, const SlugFile& slug, const Sink& sink,
                     const Progress& progress);

// A small archive of files whose contents are written one by one, in the order of their paths.
class TarWriter {
  public:
    explicit TarWriter(Sink sink) : m_sink(std::move(sink)) {}

    void add(const Entry& entry); // whose content follows, by add_content, if it is a file
    void add_content(std::string_view bytes);
    void finish_content(const Entry& entry); // fills it up to whole blocks
    void finish();

  private:
    Sink m_sink;
};

} // namespace shipit::slug
