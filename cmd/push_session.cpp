#include "cmd/push_session.hpp"

#include "cmd/changes.hpp"

#include "core/push/receiver.hpp"
#include "core/push/run.hpp"
#include "core/sys/interrupt.hpp"

#include <exception>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

push::Result result_of(const deploy::App& app, const deploy::Deployed& deployed) {
    push::Result result;
    result.said = end_of(app, deployed);
    result.json = json_of(app, deployed);
    return result;
}

push::Result result_of(const sys::Interrupted& interrupted) {
    constexpr int signal_base = 128;
    auto result = push::Result::of(interrupted);
    result.status = signal_base + interrupted.signal();
    return result;
}

push::Result result_of_bug(const std::exception& error) {
    return push::Result::of(
        Error(fmt::format("this is a bug in shipit: {}", error.what()), Outcome::bug));
}

// What a deploy makes of any exception.
template <class Action>
push::Result result_of(Action&& action) {
    try {
        return action();
    } catch (const sys::Interrupted& interrupted) {
        return result_of(interrupted);
    } catch (const Error& error) {
        return push::Result::of(error);
    } catch (const std::exception& error) {
        return result_of_bug(error);
    }
}

class Session {
  public:
    Session(deploy::App app, Force force, int in, int out)
        : m_app(std::move(app)), m_force(force), m_store(m_app.layout.releases()), m_out(out),
          m_wire(in, out, "the pusher"), m_receiving{m_app.layout.releases(),
                                                     push::arrivals_in(m_app.layout.folder()),
                                                     deploy::limits_of(m_app),
                                                     m_app.host_settings().app.shared} {}

    int serve() {
        push::Receiver receiver(m_wire, m_receiving);
        const auto request = receiver.greet();
        refuse_force(request);
        if (const auto run = push::run_to_join(
                m_receiving.arrivals, request,
                [this](const push::Result& result) { return is_still_so(result); }))
            return join(*run);
        const auto delivery = receiver.receive(request);
        const auto path = push::run_of(m_receiving.arrivals, request);
        begin(path, request, delivery);
        return push::relay(m_wire, path, m_out);
    }

    // Whatever happened to serve().
    void tell(const push::Result& result) { m_wire.send(push::Type::result, result.text()); }

  private:
    // It overrides what people have decided, and a key is for machines (receive_policy.cpp).
    void refuse_force(const push::Request& request) const {
        if (!request.options.force || m_force == Force::allowed)
            return;
        m_app.note_event("receive", std::nullopt, "refused", "'push --force'");
        throw Error("this push may not use '--force': 'shipit receive' was run without it",
                    Outcome::usage)
            .advise("a deploy key has no '--force'; whoever logs in without one has it, with a "
                    "shipit that is as new as the host's");
    }

    // Whether what a deploy of this app has made is live, or stored, to this day.
    [[nodiscard]] bool is_still_so(const push::Result& result) const {
        const auto live = ReleaseNumber::parse(result.json["release"].text());
        const auto stored = ReleaseNumber::parse(result.json["stored"].text());
        try {
            if (stored)
                return m_store.has(m_app.ledger.load(*stored).slug.value().id);
            return live && m_app.ledger.current() == live;
        } catch (const Error&) {
            return false; // what it is then, the deploy will tell
        }
    }

    int join(const push::Path& run) {
        m_wire.send(push::Type::joined, "");
        return push::relay(m_wire, run, m_out);
    }

    // Nothing is begun if another connection of the same push was quicker.
    void begin(const push::Path& path, const push::Request& request,
               const push::Delivery& delivery) {
        auto run = push::Run::begin(path);
        if (!run)
            return;
        push::detach(
            [&] { run->finish(result_of([&] { return deploy(*run, request, delivery); })); });
    }

    push::Result deploy(push::Run& run, const push::Request& request,
                        const push::Delivery& delivery) {
        m_app.host.progress = push::progress_into([&run](const std::string& event) {
            try {
                run.add(event);
            } catch (const Error&) {
                // A full disk: who follows misses a line, and the deploy goes on.
            }
        });
        deploy::DeployRequest wanted;
        wanted.description = request.options.description;
        wanted.force = request.options.force;
        wanted.trial = request.options.trial;
        wanted.no_activate = request.options.no_activate;
        wanted.source = request.source;
        wanted.sent_without = request.files_left_out;
        wanted.options = {request.options.lock_patience, request.options.until_live
                                                             ? deploy::Patience::until_live
                                                             : deploy::Patience::until_good};
        wanted.open_build = [&](const slug::Limits& limits) {
            return delivery.assemble(m_app.layout.folder(), limits, m_app.host.progress);
        };
        try {
            const auto deployed = deploy::deploy(m_app, wanted);
            delivery.discard();
            return result_of(m_app, deployed);
        } catch (const Error& error) {
            // What is stored need not be sent again, and what was damaged is to be.
            if (error.outcome() == Outcome::corrupt || m_store.has(request.slug))
                delivery.discard();
            throw;
        }
    }

    deploy::App m_app;
    Force m_force;
    slug::Store m_store;
    int m_out;
    push::Wire m_wire;
    push::Receiving m_receiving;
};

} // namespace

int serve_push(const deploy::App& app, Force force, int in, int out) {
    // Before all has arrived, SIGTERM ends this at once, and what has arrived is kept. SIGHUP and
    // SIGPIPE never do.
    sys::defer_signals();
    Session session(app, force, in, out);
    const auto failed = result_of([&] {
        push::Result result;
        result.status = session.serve();
        return result;
    });
    try {
        if (failed.error)
            session.tell(failed);
    } catch (const Error&) {
        // It is the connection that failed.
    }
    return failed.status;
}

} // namespace shipit::cmd
