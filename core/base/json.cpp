#include "core/base/json.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

namespace shipit {

using Library = nlohmann::ordered_json;

namespace {
constexpr int deepest_nesting = 64;

// Says the same, and drives no terminal: \u009b is JSON's way to write it, too. What is below 0x20
// the library writes so.
std::string harmless(const std::string& json) {
    std::string text;
    text.reserve(json.size());
    for (const char c : json) {
        if (c == '\x7f')
            text += "\\u007f";
        else
            text += c;
    }
    return printable_lines(text);
}
} // namespace

struct JsonConversion {
    static Json from(const Library& value) {
        if (value.is_object()) {
            Json result = Json::object();
            for (const auto& [key, member] : value.items())
                result.set(key, from(member));
            return result;
        }
        if (value.is_array()) {
            Json result = Json::array();
            for (const auto& item : value)
                result.push_back(from(item));
            return result;
        }
        if (value.is_string())
            return Json(value.get<std::string>());
        if (value.is_boolean())
            return Json(value.get<bool>());
        if (value.is_number_integer())
            return Json(value.get<std::int64_t>());
        if (value.is_number())
            return Json(value.get<double>());
        return {};
    }

    struct ToLibrary {
        Library operator()(std::monostate /*null*/) const { return nullptr; }
        Library operator()(const Json::Array& items) const {
            Library result = Library::array();
            for (const Json& item : items)
                result.push_back(to(item));
            return result;
        }
        Library operator()(const Json::Object& members) const {
            Library result = Library::object();
            for (const auto& [key, member] : members)
                result[key] = to(member);
            return result;
        }
        template <class Plain>
        Library operator()(const Plain& value) const {
            return value;
        }
    };

    static Library to(const Json& value) { return std::visit(ToLibrary{}, value.m_value); }
};

Json Json::object(std::initializer_list<Member> members) {
    Json result;
    result.m_value = Object(members);
    return result;
}

Json Json::parse(std::string_view text) {
    const auto limit_depth = [](int depth, Library::parse_event_t /*event*/, Library& /*value*/) {
        if (depth > deepest_nesting)
            throw Error("not JSON: nested too deeply");
        return true;
    };
    try {
        return JsonConversion::from(Library::parse(text.begin(), text.end(), limit_depth));
    } catch (const Library::exception& error) {
        throw Error("not JSON: " + printable(error.what())); // it quotes the text
    }
}

std::string Json::dump() const {
    return harmless(
        JsonConversion::to(*this).dump(-1, ' ', false, Library::error_handler_t::replace));
}

std::string Json::dump_pretty() const {
    return harmless(
        JsonConversion::to(*this).dump(2, ' ', false, Library::error_handler_t::replace));
}

Json& Json::set(std::string key, Json value) {
    if (is_null())
        m_value = Object{};
    auto& members = std::get<Object>(m_value);
    for (auto& [name, member] : members)
        if (name == key) {
            member = std::move(value);
            return *this;
        }
    members.emplace_back(std::move(key), std::move(value));
    return *this;
}

void Json::push_back(Json value) {
    if (is_null())
        m_value = Array{};
    std::get<Array>(m_value).push_back(std::move(value));
}

const Json& Json::operator[](std::string_view key) const {
    static const Json null;
    for (const auto& [name, member] : members())
        if (name == key)
            return member;
    return null;
}

const Json::Array& Json::items() const {
    static const Array none;
    const auto* items = std::get_if<Array>(&m_value);
    return items != nullptr ? *items : none;
}

const Json::Object& Json::members() const {
    static const Object none;
    const auto* members = std::get_if<Object>(&m_value);
    return members != nullptr ? *members : none;
}

std::string Json::text(std::string_view otherwise) const {
    const auto* value = std::get_if<std::string>(&m_value);
    return value != nullptr ? *value : std::string(otherwise);
}

std::int64_t Json::integer(std::int64_t otherwise) const {
    const auto* value = std::get_if<std::int64_t>(&m_value);
    return value != nullptr ? *value : otherwise;
}

bool Json::boolean(bool otherwise) const {
    const auto* value = std::get_if<bool>(&m_value);
    return value != nullptr ? *value : otherwise;
}

} // namespace shipit
