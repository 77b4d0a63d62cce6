// What people and scripts see: results on stdout, everything else on stderr.
//
// With --json stdout carries exactly one JSON value (or one a line, for logs), errors included.
// Colour and cutting to the width only on a terminal; NO_COLOR and CLICOLOR_FORCE are honoured.
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/progress.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::cmd {

enum class Colour { plain, good, bad, faint, waiting };

class Terminal {
  public:
    struct Settings {
        bool json = false;
        bool quiet = false;
        bool verbose = false;
        std::string colour = "auto"; // auto, always, never
    };
    explicit Terminal(Settings settings);

    [[nodiscard]] bool wants_json() const { return m_settings.json; }
    [[nodiscard]] bool is_terminal() const { return m_output_is_terminal; }
    // Whether escape sequences may move its cursor.
    [[nodiscard]] bool can_draw() const;

    // --- stdout ---
    void print(std::string_view line);
    void print_json(const Json& value);
    // `text` behind `head`, which takes `indent` columns; on a terminal broken between words, to go
    // on below where it began.
    void paragraph(std::string_view head, std::size_t indent, std::string_view text);
    // Bytes as they are, without a newline added.
    void raw(std::string_view bytes);
    // Aligned columns; on a terminal the column `shrinking` is cut so that rows fit the width.
    struct Row {
        std::vector<std::string> cells;
        Colour colour = Colour::plain;
    };
    void table(const std::vector<Row>& rows, std::size_t shrinking);
    // What `print` gives to stdout, in its place.
    [[nodiscard]] std::string captured(const std::function<void()>& print);
    // Throws if stdout could not take all that was written: sys::Interrupted (SIGPIPE) where nobody
    // reads any more, else Error (a full disk).
    void finish();

    // --- stderr, after all that stdout was given before: both may be one file ---
    void note(std::string_view line);    // unless --quiet
    void prompt(std::string_view line);  // always: what is to be typed now
    void warning(std::string_view line); // always
    // Always; with --json on stdout too, where `status` is the exit status if that is not the
    // outcome's.
    void error(const Error& error, std::optional<int> status = {});
    // Phases and app output as notes; the progress of a phase on a terminal only.
    [[nodiscard]] Progress progress() const;

    // Whether somebody is there who can be asked, and wants to be: not with --json or --quiet.
    [[nodiscard]] bool can_ask() const;
    // The answer to a question on stderr, without blanks around it; empty at the input's end.
    [[nodiscard]] std::string ask(std::string_view question);

    [[nodiscard]] std::string coloured(std::string_view text, Colour colour) const;

  private:
    void flush();

    Settings m_settings;
    bool m_output_is_terminal;
    bool m_errors_are_terminal;
    bool m_coloured;
    std::size_t m_width;
    std::string* m_captured = nullptr; // takes what is for stdout
    int m_lost = 0;                    // the errno of what stdout did not take
};

} // namespace shipit::cmd
