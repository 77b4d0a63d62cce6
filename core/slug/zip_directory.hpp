// The directory at the end of a zip file, read before libarchive does: whether it is all there and
// nothing follows it, and how long it is (libarchive takes it into memory as it comes).
#pragma once

#include "core/slug/limits.hpp"

namespace shipit::slug {

// `fd` can be sought in; its offset is not used. Throws Error: cut off, in several parts, with
// something behind its end, contradicting itself, or with more entries than the limits allow.
void require_whole_zip(int fd, const Limits& limits);

} // namespace shipit::slug
