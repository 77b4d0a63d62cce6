#include "core/supervise/program.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/bequest.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace shipit::supervise {

namespace {

// JSON holds Unicode only; other bytes travel as {"hex": "…"}.
Json bytes_to_json(const std::string& bytes) {
    if (is_utf8(bytes))
        return bytes;
    return Json::object({{"hex", hex_of(bytes)}});
}

std::string bytes_from(const Json& json) {
    const std::string hex = json["hex"].text();
    if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw Error("a generation with bytes that are not hexadecimal", Outcome::usage);
    std::string bytes = json.text() + bytes_of_hex(hex);
    if (bytes.find('\0') != std::string::npos)
        throw Error("a generation with a NUL byte", Outcome::usage);
    return bytes;
}

// Names become file names in the run folder and columns in the log.
bool is_name(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    constexpr std::size_t longest = 64;
    return !name.empty() && name.size() <= longest && name.front() != '.' && name.front() != '-' &&
           std::all_of(name.begin(), name.end(), fits);
}

std::int64_t number_in(const Json& json, std::string_view key, std::int64_t lowest,
                       std::int64_t highest) {
    const std::int64_t value = json[key].integer(lowest - 1);
    if (value < lowest || value > highest)
        throw Error("a generation with a wrong '" + std::string(key) + "'", Outcome::usage);
    return value;
}

std::uint16_t port_from(const Json& json) {
    const std::int64_t port = json.integer();
    if (port < 1 || port > std::numeric_limits<std::uint16_t>::max())
        throw Error("a generation with a wrong port", Outcome::usage);
    return static_cast<std::uint16_t>(port);
}

milliseconds duration_in(const Json& json, std::string_view key) {
    return milliseconds(number_in(json, key, 0, std::int64_t{1} << 40));
}

Json account_json(const sys::Account& account) {
    Json groups = Json::array();
    for (const gid_t group : account.groups)
        groups.push_back(std::int64_t{group});
    return Json::object({{"name", account.name},
                         {"uid", std::int64_t{account.uid}},
                         {"gid", std::int64_t{account.gid}},
                         {"home", account.home},
                         {"shell", account.shell},
                         {"groups", groups}});
}

sys::Account account_from(const Json& json) {
    constexpr std::int64_t highest = std::numeric_limits<uid_t>::max() - 1LL;
    sys::Account account;
    account.name = json["name"].text();
    account.uid = static_cast<uid_t>(number_in(json, "uid", 0, highest));
    account.gid = static_cast<gid_t>(number_in(json, "gid", 0, highest));
    account.home = json["home"].text();
    account.shell = json["shell"].text();
    for (const Json& group : json["groups"].items()) {
        if (group.integer(-1) < 0 || group.integer() > highest)
            throw Error("a generation with a wrong group", Outcome::usage);
        account.groups.push_back(static_cast<gid_t>(group.integer()));
    }
    return account;
}

Json program_json(const Program& program) {
    Json environment = Json::array();
    for (const auto& [name, value] : program.environment) {
        Json variable = Json::array();
        variable.push_back(bytes_to_json(name));
        variable.push_back(bytes_to_json(value));
        environment.push_back(variable);
    }
    Json json = Json::object({{"name", program.name},
                              {"type", program.type},
                              {"command", bytes_to_json(program.command)},
                              {"environment", environment},
                              {"folder", bytes_to_json(program.folder.string())},
                              {"stop_signal", program.stop_signal},
                              {"stop_timeout", std::int64_t{program.stop_timeout.count()}},
                              {"overlaps", program.overlaps},
                              {"notify", program.notify},
                              {"watchdog", std::int64_t{program.watchdog.count()}}});
    Json sockets = Json::array();
    for (const TcpAddress& socket : program.sockets)
        sockets.push_back(socket.json());
    json.set("sockets", std::move(sockets))
        .set("socket", bytes_to_json(program.socket.string()))
        .set("is_given_socket", program.is_given_socket);
    if (program.user)
        json.set("user", account_json(*program.user));
    return json;
}

Program program_from(const Json& json) {
    Program program;
    program.name = json["name"].text();
    program.type = json["type"].text();
    if (!is_name(program.name) || !is_name(program.type))
        throw Error("a generation with a wrong name of a process", Outcome::usage);
    program.command = bytes_from(json["command"]);
    for (const Json& variable : json["environment"].items()) {
        if (variable.items().size() != 2)
            throw Error("a generation with a wrong environment", Outcome::usage);
        program.environment.emplace_back(bytes_from(variable.items()[0]),
                                         bytes_from(variable.items()[1]));
    }
    program.folder = bytes_from(json["folder"]);
    if (json["user"].is_object())
        program.user = account_from(json["user"]);
    program.stop_signal = static_cast<int>(number_in(json, "stop_signal", 1, NSIG - 1));
    program.stop_timeout = duration_in(json, "stop_timeout");
    program.overlaps = json["overlaps"].boolean();
    program.socket = bytes_from(json["socket"]);
    program.is_given_socket = json["is_given_socket"].boolean();
    for (const Json& each : json["sockets"].items()) {
        const auto socket = TcpAddress::from(each);
        if (!socket)
            throw Error("a generation with a wrong address of a socket", Outcome::usage);
        program.sockets.push_back(*socket);
    }
    program.notify = json["notify"].boolean();
    if (!json["watchdog"].is_null())
        program.watchdog = duration_in(json, "watchdog");
    return program;
}

} // namespace

const Program* Generation::face() const {
    for (const Program& program : programs)
        if (program.type == "web")
            return &program;
    return programs.empty() ? nullptr : &programs.front();
}

bool Generation::listens() const {
    const Program* program = face();
    return (port || !socket.empty()) && program != nullptr && program->type == "web";
}

std::string Generation::place() const {
    return socket.empty() ? "port " + std::to_string(port.value_or(0))
                          : "'" + printable(socket.string()) + "'";
}

std::vector<std::uint16_t> Generation::all_ports() const {
    std::vector<std::uint16_t> all = ports;
    if (port && std::find(all.begin(), all.end(), *port) == all.end())
        all.insert(all.begin(), *port);
    return all;
}

std::vector<std::uint16_t> Generation::web_ports() const {
    std::vector<std::uint16_t> of_web;
    if (port && listens())
        of_web.push_back(*port);
    for (const Program& program : programs)
        if (program.type == "web")
            for (const TcpAddress& given : program.sockets)
                of_web.push_back(given.port);
    return of_web;
}

bool Program::runs_as(const Program& other) const {
    const auto without_release = [](Environment variables) {
        variables.erase(
            std::remove_if(variables.begin(), variables.end(),
                           [](const auto& variable) { return variable.first == "SHIPIT_RELEASE"; }),
            variables.end());
        return variables;
    };
    const auto uid_of = [](const Program& program) {
        return program.user ? std::optional(program.user->uid) : std::nullopt;
    };
    return name == other.name && command == other.command && folder == other.folder &&
           uid_of(*this) == uid_of(other) && overlaps == other.overlaps &&
           sockets == other.sockets && socket == other.socket &&
           is_given_socket == other.is_given_socket && notify == other.notify &&
           watchdog == other.watchdog &&
           without_release(environment) == without_release(other.environment);
}

bool Generation::runs_as(const Generation& other) const {
    return std::equal(programs.begin(), programs.end(), other.programs.begin(),
                      other.programs.end(),
                      [](const Program& one, const Program& two) { return one.runs_as(two); }) &&
           all_ports() == other.all_ports() && socket == other.socket;
}

Json to_json(const Generation& generation) {
    Json programs = Json::array();
    for (const Program& program : generation.programs)
        programs.push_back(program_json(program));
    const Health& health = generation.health;
    Json json =
        Json::object({{"release", generation.release.value()},
                      {"programs", programs},
                      {"health", Json::object({{"path", bytes_to_json(health.path)},
                                               {"command", bytes_to_json(health.command)},
                                               {"timeout", std::int64_t{health.timeout.count()}},
                                               {"passes", health.passes},
                                               {"watch", std::int64_t{health.watch.count()}}})}});
    if (generation.port)
        json.set("port", unsigned{*generation.port});
    Json ports = Json::array();
    for (const std::uint16_t port : generation.ports)
        ports.push_back(unsigned{port});
    json.set("ports", std::move(ports));
    json.set("socket", bytes_to_json(generation.socket.string()));
    json.set("warm", std::int64_t{generation.warm.count()});
    json.set("hands_over", generation.hands_over);
    return json;
}

Generation generation_from(const Json& json) {
    constexpr std::int64_t highest_release = std::int64_t{1} << 60;
    Generation generation{
        ReleaseNumber(static_cast<std::uint64_t>(number_in(json, "release", 1, highest_release))),
        {},
        {},
        std::nullopt};
    for (const Json& program : json["programs"].items())
        generation.programs.push_back(program_from(program));
    const Json& health = json["health"];
    generation.health.path = bytes_from(health["path"]);
    generation.health.command = bytes_from(health["command"]);
    generation.health.timeout = duration_in(health, "timeout");
    generation.health.passes = static_cast<unsigned>(number_in(health, "passes", 1, 1000));
    generation.health.watch = duration_in(health, "watch");
    if (!json["port"].is_null())
        generation.port = port_from(json["port"]);
    for (const Json& port : json["ports"].items())
        generation.ports.push_back(port_from(port));
    generation.socket = bytes_from(json["socket"]);
    generation.warm = duration_in(json, "warm");
    generation.hands_over = json["hands_over"].boolean(true);
    return generation;
}

std::optional<int> signal_from(std::string_view name) {
    std::string upper;
    for (const char c : name)
        upper += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    if (upper.rfind("SIG", 0) == 0)
        upper.erase(0, 3);
    for (int signal = 1; signal < NSIG; ++signal) {
        const char* abbreviation = ::sigabbrev_np(signal);
        if (abbreviation != nullptr && upper == abbreviation)
            return signal;
    }
    return std::nullopt;
}

} // namespace shipit::supervise
