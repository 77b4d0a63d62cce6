// The names of things: releases are numbered, slugs are named by their content, apps by people.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shipit {

// v1, v2, …; never zero, never reused.
class ReleaseNumber {
  public:
    explicit constexpr ReleaseNumber(std::uint64_t value) : m_value(value) {}

    // Accepts "v12", "V12" and "12"; nothing for anything else (zero, leading zeros, overflow,
    // junk).
    [[nodiscard]] static std::optional<ReleaseNumber> parse(std::string_view text);

    [[nodiscard]] constexpr std::uint64_t value() const { return m_value; }
    [[nodiscard]] std::string text() const { return "v" + std::to_string(m_value); }
    [[nodiscard]] constexpr ReleaseNumber following() const { return ReleaseNumber(m_value + 1); }
    auto operator<=>(const ReleaseNumber&) const = default;

  private:
    std::uint64_t m_value;
};

// XXH3-128 of a slug's file list, as 32 lower-case hex digits.
class SlugId {
  public:
    // Nothing unless `text` is exactly 32 lower-case hex digits.
    [[nodiscard]] static std::optional<SlugId> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return m_text; }
    // What people are shown: the first ten digits.
    [[nodiscard]] std::string brief() const { return m_text.substr(0, 10); }
    auto operator<=>(const SlugId&) const = default;

  private:
    explicit SlugId(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

// An app's name is a folder's name, part of a socket's path and of a systemd unit's: 1 to 63 of
// a-z, 0-9, '-' and '_', beginning with a letter or a digit.
class AppName {
  public:
    // Throws Error (usage) that says what is wrong with `text`.
    [[nodiscard]] static AppName parse(std::string_view text);
    [[nodiscard]] static bool is_valid(std::string_view text);

    [[nodiscard]] const std::string& text() const { return m_text; }
    auto operator<=>(const AppName&) const = default;

  private:
    explicit AppName(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

} // namespace shipit
