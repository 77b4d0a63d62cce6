// gzip(1), the same bytes for the same content: without a name or a time.
#pragma once

#include "core/slug/tar_export.hpp"

#include <memory>
#include <string_view>

namespace shipit::slug {

class GzipEncoder {
  public:
    explicit GzipEncoder(Sink sink);
    ~GzipEncoder();
    void add(std::string_view bytes);
    void finish(); // nothing may be added after that

  private:
    void run(std::string_view bytes, int flush);
    struct State;
    Sink m_sink;
    std::unique_ptr<State> m_state;
};

} // namespace shipit::slug
