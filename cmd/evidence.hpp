// What speaks for a release and against it, as `info` and `why` tell it.
#pragma once

#include "core/base/json.hpp"
#include "core/deploy/app.hpp"

#include <string>
#include <utility>
#include <vector>

namespace shipit::cmd {

// "Failed checks" and "3 in its watch, the last: …", for each thing that there is to say.
using EvidenceLines = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] EvidenceLines evidence_lines(const deploy::App& app,
                                           const release::Manifest& manifest);
// "good since …: stayed well through its watch", "not proven", …
[[nodiscard]] std::string mark_text(const deploy::App& app, ReleaseNumber number);
[[nodiscard]] Json evidence_json(const deploy::App& app, const release::Manifest& manifest);

} // namespace shipit::cmd
