#include "core/deploy/doctor.hpp"

#include "core/deploy/doctor_checks.hpp"

namespace shipit::deploy {

namespace {

template <class Subject>
struct Check {
    const char* about;
    Findings (*look)(const Subject&);
};

constexpr Check<Host> host_checks[] = {
    {"user", check_user},
    {"hand-over", check_handover},
    {"control groups", check_cgroups},
    {"root", check_root},
    {"file system", check_file_system},
    {"locks and links", check_names},
    {"disk", check_disk},
    {"clock", check_clock},
    {"start", check_start},
    {"sshd", check_sshd},
};

constexpr Check<Examined> app_checks[] = {
    {"settings", check_settings},
    {"health", check_health},
    {"app.user", check_app_user},
    {"port", check_ports},
    {"config vars", check_config_vars},
    {"hand-over", check_app_handover},
    {"hold", check_hold},
    {"release", check_release},
    {"files", check_changed_files},
    {"records", check_records},
    {"lock", check_lock},
    {"supervisor", check_supervisor},
    {"processes", check_processes},
};

// What cannot even be looked at is told as what it is.
template <class Subject>
Findings findings_of(const Check<Subject>& check, const Subject& subject) {
    try {
        return check.look(subject);
    } catch (const Error& error) {
        return {problem_of(error)};
    }
}

template <class Subject, std::size_t size>
Findings carry_out(const Check<Subject> (&checks)[size], const Subject& subject) {
    Findings all;
    for (const Check<Subject>& check : checks)
        for (Finding& finding : findings_of(check, subject)) {
            finding.about = check.about;
            all.push_back(std::move(finding));
        }
    return all;
}

} // namespace

const char* name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "ok";
    case Verdict::note:
        return "note";
    case Verdict::problem:
        break;
    }
    return "problem";
}

Finding ok(std::string what) {
    return {{}, Verdict::ok, std::move(what), {}};
}

Finding note(std::string what, std::string next) {
    return {{}, Verdict::note, std::move(what), std::move(next)};
}

Finding problem(std::string what, std::string next) {
    return {{}, Verdict::problem, std::move(what), std::move(next)};
}

Finding problem_of(const Error& error) {
    return problem(error.why(), error.next());
}

Findings examine_host(const Host& host) {
    return carry_out(host_checks, host);
}

Findings examine_app(const App& app) {
    return carry_out(app_checks, Examined(app));
}

} // namespace shipit::deploy
