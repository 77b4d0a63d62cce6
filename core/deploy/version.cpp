#include "core/deploy/version.hpp"

namespace shipit::deploy {

const char* version() {
    return SHIPIT_VERSION;
} // from CMakeLists.txt

} // namespace shipit::deploy
