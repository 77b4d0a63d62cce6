// Public keys as people paste them, made by ssh-keygen.
#pragma once

#include <string>

namespace shipit::tests {

inline const std::string ed25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlNXgaPAYbOoBycqodFzJ3xT2QTaMloyNc0ofEA"
    "0Hn5";
inline const std::string nistp256 =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJaK"
    "oHwHlmvaTbde9udgeCc8YQUnhEyEhzbmZPhFR0mdf678G4vJ6bdBVDw0huRRkJzEPjewTew26vfN"
    "YdlvshI=";

} // namespace shipit::tests
