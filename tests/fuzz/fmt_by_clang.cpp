#include <fmt/format-inl.h>
