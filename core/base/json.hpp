// A JSON value, light enough for headers. Reading and writing are nlohmann-json's, in json.cpp.
//
// Objects keep the order in which keys were added, so that output reads as it was written down.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace shipit {

class Json {
  public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    using Object = std::vector<Member>;

    Json() = default; // null
    Json(bool value) : m_value(value) {}
    Json(int value) : m_value(std::int64_t{value}) {}
    Json(std::int64_t value) : m_value(value) {}
    Json(std::uint64_t value)
        : m_value(static_cast<std::int64_t>(value)) {} // beyond 2^63: never here
    Json(unsigned value) : m_value(std::int64_t{value}) {}
    Json(double value) : m_value(value) {}
    Json(const char* value) : m_value(std::string(value)) {}
    Json(std::string value) : m_value(std::move(value)) {}
    Json(std::string_view value) : m_value(std::string(value)) {}
    Json(Array value) : m_value(std::move(value)) {}
    // null for nothing
    template <class T>
    Json(const std::optional<T>& value) {
        if (value)
            *this = Json(*value);
    }

    [[nodiscard]] static Json object(std::initializer_list<Member> members = {});
    [[nodiscard]] static Json array() { return Json(Array{}); }
    // Of texts, or whatever else becomes one by itself.
    template <class Range>
    [[nodiscard]] static Json array_of(const Range& items) {
        Json result = array();
        for (const auto& item : items)
            result.push_back(item);
        return result;
    }

    // Throws Error ("not JSON: …") for anything but exactly one value; nesting is limited to 64.
    [[nodiscard]] static Json parse(std::string_view text);
    // One line without a newline. Bytes that are not UTF-8 become U+FFFD.
    [[nodiscard]] std::string dump() const;
    // Several indented lines.
    [[nodiscard]] std::string dump_pretty() const;

    // --- Writing ---
    Json& set(std::string key, Json value); // on an object (null becomes one); returns *this
    void push_back(Json value);             // on an array (null becomes one)

    // --- Reading; these never throw on a wrong type, since what is read may be hostile ---
    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(m_value); }
    [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(m_value); }
    [[nodiscard]] const Json& operator[](std::string_view key) const; // null if there is none
    [[nodiscard]] const Array& items() const;                         // empty unless an array
    [[nodiscard]] const Object& members() const;                      // empty unless an object
    [[nodiscard]] std::string text(std::string_view otherwise = {}) const;
    [[nodiscard]] std::int64_t integer(std::int64_t otherwise = 0) const;
    [[nodiscard]] bool boolean(bool otherwise = false) const;

  private:
    friend struct JsonConversion;
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> m_value;
};

} // namespace shipit
