// The terminal's second screen, for what is drawn again and again; what was on the terminal is
// there again afterwards, however that comes.
#pragma once

#include "cmd/terminal.hpp"

#include <string_view>

namespace shipit::cmd {

class Screen {
  public:
    // One that Terminal::can_draw() is true of.
    explicit Screen(Terminal& terminal);
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen();

    // In the place of what was shown before; what does not fit is cut. Throws as Terminal::finish()
    // does.
    void show(std::string_view text);

  private:
    Terminal& m_terminal;
};

} // namespace shipit::cmd
