// What the app's processes say of themselves (sd_notify(3)): one datagram socket, NOTIFY_SOCKET.
//
// Whoever can reach the socket can write to it. The kernel tells which process did, and only what
// comes from a tree that is listened to counts. A flood is read in bites, with a rest after each:
// whoever sends it waits, and the supervisor has time for others. Descriptors that come along are
// never received.
#pragma once

#include "core/supervise/bequest.hpp"
#include "core/supervise/loop.hpp"
#include "core/supervise/notice.hpp"
#include "core/supervise/tree.hpp"

#include <functional>
#include <map>

namespace shipit::supervise {

class Notices {
  public:
    using OnNotice = std::function<void(const Notice&)>;
    using Note = std::function<void(const std::string&)>;

    // Listens to a tree until it is destroyed; the Notices outlive it.
    class Ear {
      public:
        Ear() = default;
        Ear(Ear&& other) noexcept;
        Ear& operator=(Ear&& other) noexcept;
        Ear(const Ear&) = delete;
        Ear& operator=(const Ear&) = delete;
        ~Ear();

      private:
        friend class Notices;
        Ear(Notices& notices, std::uint64_t id) : m_notices(&notices), m_id(id) {}
        Notices* m_notices = nullptr;
        std::uint64_t m_id = 0;
    };

    // `note` is for what is said once: that strangers write to the socket.
    Notices(Loop& loop, Path run_folder, Note note);
    ~Notices();
    Notices(const Notices&) = delete;
    Notices& operator=(const Notices&) = delete;

    // What NOTIFY_SOCKET says, for a process of that user (none: ours). The socket is there from
    // the first time on. Throws Error.
    [[nodiscard]] const std::string& address_for(const std::optional<sys::Account>& user);
    [[nodiscard]] Ear listen(TreeOf tree, OnNotice on_notice);
    // Who is told when a process has become ready; one at a time, an empty function for nobody.
    void on_ready(Loop::Callback callback) { m_on_ready = std::move(callback); }
    void tell_ready() const;
    // Whether it cannot be seen now who says something, so that what is said waits.
    [[nodiscard]] static bool is_deaf();

    // For the program that takes our place by execve(2): what is in the socket stays in it.
    [[nodiscard]] Json memory(Bequest& bequest) const;
    void recall(const Json& memory);

  private:
    struct Tree {
        TreeOf tree;
        OnNotice on_notice;
    };
    void open();
    void watch();
    void read();
    [[nodiscard]] bool read_one();
    void take(pid_t sender, std::string_view datagram);
    void note_once(const std::string& text);

    Loop& m_loop;
    Path m_run_folder;
    Note m_note;
    std::string m_address; // empty: nobody has needed it yet
    sys::Fd m_fd;
    Loop::Watch m_watch;
    Loop::Timer m_rest;
    std::map<std::uint64_t, Tree> m_trees;
    std::uint64_t m_next = 1;
    bool m_has_noted = false;
    Loop::Callback m_on_ready;
};

} // namespace shipit::supervise
