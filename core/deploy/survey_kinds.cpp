// Django, Ruby, PHP, Go. (Node has a file of its own: it needs a parser.)
#include "core/deploy/survey_kinds.hpp"

#include "core/base/text.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr const char* address_hint =
    "PORT is the app's port (app.port, or one that shipit chooses).";

// --- Django ---

// The package whose settings manage.py names: DJANGO_SETTINGS_MODULE', 'mysite.settings'. Empty: it
// names none that could be one.
std::string settings_package(std::string_view manage) {
    constexpr std::string_view variable = "DJANGO_SETTINGS_MODULE";
    const auto named = manage.find(variable);
    if (named == manage.npos)
        return {};
    auto rest = manage.substr(named + variable.size());
    rest.remove_prefix(std::min(rest.find(','), rest.size()));
    const auto begin = rest.find_first_of("'\"");
    if (begin == rest.npos)
        return {};
    rest.remove_prefix(begin + 1);
    const auto package = rest.substr(0, rest.find_first_of(".'\""));
    return is_harmless(package) ? std::string(package) : std::string();
}

// That, or the only other one that has a wsgi.py.
std::string wsgi_package(Surveyor& at, std::string_view manage) {
    const auto has_wsgi = [&at](const std::string& package) {
        return is_harmless(package) && at.tree.has_file(package + "/wsgi.py");
    };
    if (std::string package = settings_package(manage); has_wsgi(package))
        return package;
    for (const std::string& name : at.tree.names(""))
        if (has_wsgi(name))
            return name;
    return {};
}

bool requires_package(Surveyor& at, std::string_view package) {
    for (const char* file : {"requirements.txt", "pyproject.toml", "Pipfile"})
        if (const auto text = at.tree.text(file); text && mentions(*text, package)) {
            at.found(file, "needs " + std::string(package));
            return true;
        }
    return false;
}

void keep_its_database(Surveyor& at, const std::string& package) {
    const auto settings = at.tree.text(package + "/settings.py");
    if (!settings || settings->find("sqlite3") == settings->npos)
        return;
    at.found(package + "/settings.py", "the database is a file (SQLite)");
    at.has_told_of_database = true;
    if (at.tree.has("data")) // a folder that is shared would hide it
        return at.note("each release would have a database of its own: put it into a folder that "
                       "is named in app.shared");
    at.survey.shared.emplace_back("data");
    at.note("each release would have a database of its own: put it into data/, which is shared "
            "(settings.py: \"NAME\": BASE_DIR / \"data\" / \"db.sqlite3\")");
}

// What serves a WSGI module with `python` at hand.
void serve_wsgi(Surveyor& at, const std::string& package, bool has_environment) {
    const std::string python = has_environment ? ".venv/bin/python3" : "python3";
    const bool has_gunicorn = requires_package(at, "gunicorn");
    if (!has_gunicorn && requires_package(at, "waitress"))
        return at.serve(fmt::format("{} -m waitress --listen=127.0.0.1:$PORT {}.wsgi:application",
                                    python, package),
                        address_hint);
    if (!has_gunicorn && !at.survey.has_processes)
        at.note("gunicorn is in no requirements: it has to be installed for the app");
    at.serve(fmt::format("{} {}.wsgi --bind 127.0.0.1:$PORT --workers 2",
                         has_environment ? python + " -m gunicorn" : "gunicorn", package),
             address_hint);
}

// --- Ruby ---

// tmp/pids is shared, and a new release starts beside the old one, whose PID file it would find.
void keep_pid_files_apart(Surveyor& at) {
    for (const auto& entry : at.procfile) {
        const auto has = [&entry](const char* piece) {
            return (entry.command + " ").find(piece) != std::string::npos;
        };
        const bool is_server = has("rails server ") || has("rails s ");
        if (is_server && !has(" -P") && !has(" --pid"))
            at.note(fmt::format("'rails server' refuses to start where it finds a PID file, as "
                                "that of the release before; in Procfile: {}: {} -P "
                                "tmp/pids/server.$SHIPIT_SLOT.pid",
                                entry.name, entry.command));
    }
}

// --- PHP ---

void look_at_laravel(Surveyor& at) {
    at.found("artisan", "a Laravel app");
    at.release("php artisan migrate --force", "Brings the database up to date.");
    for (const char* folder : {"storage/app", "storage/logs", "storage/framework/cache",
                               "storage/framework/sessions", "storage/framework/views"})
        at.survey.shared.emplace_back(folder);
    at.note("Laravel needs APP_KEY: shipit config set APP_KEY");
    if (const auto routes = at.tree.text("bootstrap/app.php");
        routes && (mentions(*routes, "health: '/up'") || mentions(*routes, "health: \"/up\"")))
        at.propose("health.path", "/up", "Laravel's own health check.");
}

// --- Go ---

// What `go build` is to build: the package at the top, or the one in cmd/ that is named like the
// module or is the first.
std::string main_package(Surveyor& at, const std::string& module) {
    if (at.tree.has_file("main.go"))
        return ".";
    std::vector<std::string> programs;
    for (const std::string& name : at.tree.names("cmd"))
        if (is_harmless(name) && at.tree.has_file("cmd/" + name + "/main.go"))
            programs.push_back(name);
    if (programs.empty())
        return ".";
    const bool has_namesake = std::find(programs.begin(), programs.end(), module) != programs.end();
    if (programs.size() > 1)
        at.note("programs in cmd/: " + joined_briefly(programs, ", "));
    return "./cmd/" + (has_namesake ? module : programs.front());
}

// "blog" of "module example.org/anna/blog/v2".
std::string module_name(std::string_view go_mod) {
    constexpr std::string_view keyword = "module ";
    for (const std::string_view line : split(go_mod, '\n')) {
        if (!line.starts_with(keyword))
            continue;
        auto parts = split(trimmed(line.substr(keyword.size())), '/');
        const auto is_version = [](std::string_view part) {
            return part.size() > 1 && part.front() == 'v' &&
                   part.find_first_not_of("0123456789", 1) == part.npos;
        };
        if (parts.size() > 1 && is_version(parts.back()))
            parts.pop_back();
        return is_harmless(parts.back()) ? std::string(parts.back()) : std::string();
    }
    return {};
}

} // namespace

void look_at_django(Surveyor& at) {
    const auto manage = at.tree.text("manage.py");
    if (!manage)
        return;
    const std::string package = wsgi_package(at, *manage);
    if (package.empty())
        return at.note("manage.py is there, but no package with a wsgi.py: what serves the site is "
                       "for you to say, in [processes]");
    at.found("manage.py", fmt::format("a Django site, {}.wsgi", package));
    const bool has_environment = at.tree.has(".venv/bin/python3");
    serve_wsgi(at, package, has_environment);
    at.release(fmt::format("{} manage.py migrate --noinput",
                           has_environment ? ".venv/bin/python3" : "python3"),
               "Brings the database up to date.");
    if (has_environment && at.tree.has_file("requirements.txt"))
        at.survey.build_steps.emplace_back(
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
    keep_its_database(at, package);
}

void look_at_ruby(Surveyor& at) {
    if (!at.tree.has_file("config.ru"))
        return;
    const auto gemfile = at.tree.text("Gemfile");
    const bool is_rails = at.tree.has_file("bin/rails");
    at.found("config.ru", is_rails ? "a Rails app" : "a Rack app");
    const std::string bundle = gemfile ? "bundle exec " : "";
    if (!gemfile || !mentions(*gemfile, "puma"))
        at.serve(bundle + "rackup --host 127.0.0.1 --port $PORT", address_hint);
    else if (at.tree.has_file("config/puma.rb"))
        at.serve("bundle exec puma -C config/puma.rb", "config/puma.rb has to take PORT.");
    else
        at.serve("bundle exec puma --bind tcp://127.0.0.1:$PORT", address_hint);
    if (gemfile)
        at.survey.build_steps.emplace_back(
            "bundle config set --local deployment true && bundle config set --local path "
            "vendor/bundle && bundle install"); // variables would count for this command only
    if (!is_rails)
        return;
    keep_pid_files_apart(at);
    at.release("bin/rails db:migrate", "Brings the database up to date.");
    if (at.tree.has_folder("app/assets"))
        at.survey.build_steps.emplace_back("SECRET_KEY_BASE_DUMMY=1 bin/rails assets:precompile");
    for (const char* folder : {"log", "storage", "tmp/cache", "tmp/pids"})
        at.survey.shared.emplace_back(folder);
    at.note("Rails needs RAILS_ENV=production and a SECRET_KEY_BASE, or RAILS_MASTER_KEY: shipit "
            "config set");
    if (const auto routes = at.tree.text("config/routes.rb");
        routes && mentions(*routes, "rails/health#show") && mentions(*routes, "up"))
        at.propose("health.path", "/up", "Rails' own health check.");
}

void look_at_php(Surveyor& at) {
    const bool has_public = at.tree.has_file("public/index.php");
    if (!has_public && !at.tree.has_file("index.php"))
        return;
    at.found(has_public ? "public/index.php" : "index.php", "a PHP app");
    at.serve(fmt::format("php -S 127.0.0.1:$PORT -t {}", has_public ? "public" : "."),
             "PHP's own server, good for little traffic. With php-fpm, leave [processes] out, and "
             "on the host: shipit set app.reload='systemctl reload php8.2-fpm'");
    if (at.tree.has_file("composer.json"))
        at.survey.build_steps.emplace_back("composer install --no-dev --optimize-autoloader");
    if (at.tree.has_file("artisan"))
        look_at_laravel(at);
}

void look_at_go(Surveyor& at) {
    const auto go_mod = at.tree.text("go.mod");
    if (!go_mod)
        return;
    const std::string module = module_name(*go_mod);
    at.survey.name = module;
    const std::string package = main_package(at, module);
    const std::string program =
        package != "." ? package.substr(package.rfind('/') + 1) : (module.empty() ? "web" : module);
    at.found("go.mod", fmt::format("a Go program, {}", program));
    at.serve("bin/" + program, "The program has to listen on the port in PORT.");
    at.survey.build_steps.push_back(fmt::format("go build -o bin/{} {}", program, package));
}

} // namespace shipit::deploy
