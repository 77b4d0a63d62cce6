#include "core/deploy/first_settings.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/settings.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>

#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::deploy;
using shipit::tests::TestFolder;

namespace {

struct File {
    const char* path;
    std::string text;
};

// A source tree, called Blog.
class Tree {
  public:
    Tree(std::initializer_list<File> files) {
        sys::make_folders(path(), 0755);
        for (const File& file : files) {
            sys::make_folders((path() / file.path).parent_path(), 0755);
            sys::replace(path() / file.path, file.text, 0644);
        }
    }
    [[nodiscard]] sys::Path path() const { return m_folder / "Blog"; }
    [[nodiscard]] FirstSettings look(const std::optional<AppName>& app = {}) const {
        return first_settings(path(), app);
    }

  private:
    TestFolder m_folder;
};

// What shipit reads of the file that is proposed for a tree.
config::Settings settings_of(const Tree& tree, const std::string& text) {
    config::Sources sources;
    sources.build_toml = text;
    sources.procfile = sys::read_file_if_any(tree.path() / "Procfile");
    return config::load(sources);
}

// With each line that is commented out taken up.
std::string with_all_proposals(const std::string& text) {
    std::string result;
    for (const std::string_view line : split(text, '\n'))
        result +=
            std::string(line.substr(line.starts_with('#') && !line.starts_with("# ") ? 1 : 0)) +
            "\n";
    return result;
}

config::Settings proposed_for(const Tree& tree) {
    const std::string text = tree.look().text;
    CHECK_NOTHROW((void)settings_of(tree, with_all_proposals(text)));
    CHECK(std::all_of(text.begin(), text.end(),
                      [](char c) { return c == '\n' || (c >= ' ' && c != '\x7f'); }));
    return settings_of(tree, text);
}

std::string web_of(const config::Settings& settings) {
    for (const ProcessType& process : settings.spec.processes)
        if (process.name == "web")
            return process.command;
    return "none";
}

bool is_noted(const Tree& tree, std::string_view piece) {
    const FirstSettings first = tree.look();
    return std::any_of(first.survey.notes.begin(), first.survey.notes.end(),
                       [piece](const std::string& note) { return note.find(piece) != note.npos; });
}

using Texts = std::vector<std::string>;

} // namespace

TEST_SUITE_BEGIN("deploy: first settings");

TEST_CASE("a Procfile goes on saying what runs") {
    const Tree tree{{"Procfile", "web: python3 server.py\nrelease: bin/migrate\n"},
                    {"package.json", R"({"scripts": {"start": "node x.js"}})"}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) == "python3 server.py");
    CHECK(settings.spec.release_command.command == "bin/migrate");
    CHECK(tree.look().text.find("[processes]") == std::string::npos);
    CHECK(settings.name == AppName::parse("blog"));
}

TEST_CASE("a Procfile that is passed over is not displaced") {
    const Tree tree{{"index.php", ""}, {"processes", "web: bin/web\n"}};
    REQUIRE(::symlink("processes", (tree.path() / "Procfile").c_str()) == 0);
    CHECK(web_of(proposed_for(tree)) == "bin/web");
    CHECK(is_noted(tree, "passed over Procfile: a symlink"));
}

TEST_CASE("a Procfile that no deploy would take is refused with its line") {
    const Tree tree{{"Procfile", "web: python3 server.py\n<<<<<<< HEAD\n"}};
    try {
        (void)tree.look();
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        CHECK(error.why().starts_with("Procfile:2: "));
    }
}

TEST_CASE("a Django site is served by gunicorn and migrates") {
    const Tree tree{
        {"manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')"},
        {"another/wsgi.py", ""},
        {"mysite/wsgi.py", ""},
        {"mysite/settings.py", "'NAME': BASE_DIR / 'db.sqlite3'"},
        {"requirements.txt", "# gunicorn is below\nDjango\ngunicorn==21.2\n"}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) == "gunicorn mysite.wsgi --bind 127.0.0.1:$PORT --workers 2");
    CHECK(settings.spec.release_command.command == "python3 manage.py migrate --noinput");
    CHECK(settings.app.shared == Texts{"data"});
    CHECK(settings.build.command.empty());
    CHECK_FALSE(is_noted(tree, "gunicorn"));
    CHECK(is_noted(tree, "a database of its own"));
}

TEST_CASE("a Django site with an environment of its own runs in that") {
    const Tree tree{{"manage.py", R"(("DJANGO_SETTINGS_MODULE", "config.settings.production"))"},
                    {"config/wsgi.py", ""},
                    {".venv/bin/python3", ""},
                    {"requirements.txt", "waitress\n"}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) ==
          ".venv/bin/python3 -m waitress --listen=127.0.0.1:$PORT config.wsgi:application");
    CHECK(settings.spec.release_command.command == ".venv/bin/python3 manage.py migrate --noinput");
    CHECK(settings.build.command ==
          "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
}

TEST_CASE("a manage.py whose site is not to be found proposes no command") {
    const Tree tree{{"manage.py", "'DJANGO_SETTINGS_MODULE', '; rm -rf /'"}, {"x y/wsgi.py", ""}};
    CHECK(proposed_for(tree).spec.processes.empty());
    CHECK(is_noted(tree, "wsgi.py"));
}

TEST_CASE("a Node app is started without npm in between") {
    const Tree tree{{"package.json", R"({"name": "@anna/My.Shop", "engines": {"node": ">=18"},
                        "scripts": {"start": "node server.js --fast", "build": "vite build"},
                        "dependencies": {"express": "4"}})"},
                    {"package-lock.json", "{}"}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) == "node server.js --fast");
    CHECK(settings.build.command == "npm ci && npm run build");
    CHECK(settings.name == AppName::parse("my-shop"));
    CHECK(is_noted(tree, "wants Node >=18"));
}

TEST_CASE("what npm has to do with a start script is left to npm") {
    for (const char* scripts :
         {R"({"start": "next start"})", R"({"start": "node a.js && node b.js"})",
          R"({"start": "node a.js", "prestart": "make"})", R"({"start": "node \u001b]0;x\u0007"})"})
        CHECK(web_of(proposed_for({{"package.json", std::string(R"({"scripts": )") + scripts +
                                                        "}"}})) == "npm start");
    CHECK(web_of(proposed_for({{"package.json", "{}"}, {"server.js", ""}})) == "node server.js");
    CHECK(web_of(proposed_for({{"package.json", "{}"}})) == "none");
}

TEST_CASE("a Go program is built and run") {
    const Tree top{{"go.mod", "module example.org/anna/shop/v2\n\ngo 1.21\n"}, {"main.go", ""}};
    CHECK(web_of(proposed_for(top)) == "bin/shop");
    CHECK(proposed_for(top).build.command == "go build -o bin/shop .");
    const Tree below{
        {"go.mod", "module shop\n"}, {"cmd/admin/main.go", ""}, {"cmd/shop/main.go", ""}};
    CHECK(proposed_for(below).build.command == "go build -o bin/shop ./cmd/shop");
    CHECK(is_noted(below, "admin, shop"));
    const Tree odd{{"go.mod", "module $(reboot)\n"}};
    CHECK(web_of(proposed_for(odd)) == "bin/web");
}

TEST_CASE("a Rails app is served by puma, migrates and keeps its files") {
    const Tree tree{{"config.ru", "run Rails.application"},
                    {"bin/rails", ""},
                    {"Gemfile", "gem \"rails\"\ngem \"puma\", \">= 5.0\"\n"},
                    {"config/puma.rb", ""},
                    {"config/routes.rb", "get \"up\" => \"rails/health#show\", as: :x\n"},
                    {"app/assets/x.css", ""},
                    {"package.json", "{\"devDependencies\": {\"esbuild\": \"1\"}}"},
                    {"yarn.lock", ""}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) == "bundle exec puma -C config/puma.rb");
    CHECK(settings.spec.release_command.command == "bin/rails db:migrate");
    CHECK(settings.spec.health.path == "/up");
    CHECK(settings.app.shared == Texts{"log", "storage", "tmp/cache", "tmp/pids"});
    CHECK(settings.build.command ==
          "bundle config set --local deployment true && bundle config set --local path "
          "vendor/bundle && bundle install && "
          "SECRET_KEY_BASE_DUMMY=1 bin/rails assets:precompile && yarn install --frozen-lockfile");
    CHECK(web_of(proposed_for({{"config.ru", ""}})) == "rackup --host 127.0.0.1 --port $PORT");
}

TEST_CASE("Rails' own server is told to keep its PID file apart from that of the release before") {
    const std::string advice = "bin/rails server -p $PORT -P tmp/pids/server.$SHIPIT_SLOT.pid";
    const auto rails = [](const std::string& procfile) {
        return Tree{{"config.ru", ""}, {"bin/rails", ""}, {"Procfile", procfile}};
    };
    CHECK(is_noted(rails("web: bin/rails server -p $PORT\n"), advice));
    CHECK(is_noted(rails("web: bundle exec rails s -p $PORT\n"),
                   "bundle exec rails s -p $PORT -P tmp/pids/server.$SHIPIT_SLOT.pid"));
    CHECK_FALSE(is_noted(rails("web: " + advice + "\n"), "tmp/pids/server"));
    CHECK_FALSE(is_noted(rails("web: bundle exec puma\nworker: bin/rails runner s\n"), "tmp/pids"));
}

TEST_CASE("a PHP app is served from its public folder, Laravel with what it keeps") {
    CHECK(web_of(proposed_for({{"index.php", ""}})) == "php -S 127.0.0.1:$PORT -t .");
    const Tree tree{{"public/index.php", ""},
                    {"composer.json", "{}"},
                    {"artisan", ""},
                    {"bootstrap/app.php", "health: '/up',\n"}};
    const auto settings = proposed_for(tree);
    CHECK(web_of(settings) == "php -S 127.0.0.1:$PORT -t public");
    CHECK(settings.spec.release_command.command == "php artisan migrate --force");
    CHECK(settings.build.command == "composer install --no-dev --optimize-autoloader");
    CHECK(settings.spec.health.path == "/up");
    CHECK(settings.app.shared.size() == 5);
}

TEST_CASE("a site of files has nothing to run") {
    const Tree tree{{"index.html", "<p>"}};
    CHECK(proposed_for(tree).spec.processes.empty());
    CHECK(tree.look().survey.is_files_only);
    CHECK(tree.look().text.find("[health]") == std::string::npos);
}

TEST_CASE("of an empty tree, all is left to say") {
    const Tree tree{};
    CHECK(proposed_for(tree).spec.processes.empty());
    CHECK(tree.look().text.find("[processes]\n") != std::string::npos);
    CHECK(tree.look().survey.found.empty());
    CHECK(is_noted(tree, "what runs is for you to say"));
}

TEST_CASE("the app is called as was said, else as its package or folder is") {
    const Tree tree{{"package.json", "{\"name\": \"shop\"}"}};
    CHECK(tree.look(AppName::parse("mine")).app == AppName::parse("mine"));
    CHECK(tree.look().app == AppName::parse("shop"));
    CHECK(Tree{}.look().app == AppName::parse("blog"));
    const Tree odd{{"package.json", "{\"name\": \"\\u001b[2J\\n--- ___\"}"}};
    CHECK(odd.look().app == AppName::parse("2j-___"));
}

TEST_CASE("secrets and environments that would be packed are told of") {
    const Tree tree{{".env", "SECRET=1"}, {"venv/pyvenv.cfg", ""}};
    CHECK(is_noted(tree, ".env would be packed"));
    CHECK(is_noted(tree, "venv/ is packed too"));
    const Tree careful{{".env", "SECRET=1"}, {"venv/pyvenv.cfg", ""}, {".slugignore", "*env*\n"}};
    CHECK_FALSE(is_noted(careful, "packed"));
}

TEST_CASE("folders of uploads outlive releases") {
    CHECK(proposed_for({{"media/cat.jpg", ""}}).app.shared == Texts{"media"});
}

TEST_CASE("a hostile package.json is passed over") {
    const std::string huge(2 << 20, ' ');
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    for (const std::string& text : {std::string("{"), std::string("[]"), std::string("\xff{}"),
                                    std::string("{}\0", 3), huge, deep, std::string()}) {
        const Tree tree{{"package.json", text}};
        CHECK(web_of(proposed_for(tree)) == "none");
        CHECK(is_noted(tree, "passed over package.json"));
    }
    const Tree odd{
        {"package.json", R"({"scripts": [1], "name": {}, "engines": "x", "dependencies": 3})"}};
    CHECK(web_of(proposed_for(odd)) == "none");
}

TEST_CASE("what the tree says cannot leave its comment or its string") {
    const Tree tree{{"package.json", R"({"engines": {"node": "1\n[hooks]\ndeployed = \"x\""},
                        "scripts": {"start": "node a.js\"\n[hooks]\nfailed = \"x"}})"},
                    {"go.mod", "module x\"\n"}};
    const auto settings = proposed_for(tree);
    CHECK(settings.hooks == config::Hooks{});
}

TEST_CASE("no symlink is followed and no FIFO opened") {
    TestFolder elsewhere;
    sys::replace(elsewhere / "package.json", R"({"scripts": {"start": "node x.js"}})", 0644);
    sys::replace(elsewhere / "wsgi.py", "", 0644);
    const Tree tree{{"manage.py", "DJANGO_SETTINGS_MODULE, 'mysite.settings'"}};
    REQUIRE(::symlink((elsewhere / "package.json").c_str(),
                      (tree.path() / "package.json").c_str()) == 0);
    REQUIRE(::symlink(elsewhere.path().c_str(), (tree.path() / "mysite").c_str()) == 0);
    REQUIRE(::symlink(elsewhere.path().c_str(), (tree.path() / "cmd").c_str()) == 0);
    REQUIRE(::mkfifo((tree.path() / "Procfile").c_str(), 0600) == 0);
    REQUIRE(::mkfifo((tree.path() / "go.mod").c_str(), 0600) == 0);
    CHECK(web_of(settings_of({}, tree.look().text)) == "none");
    CHECK(is_noted(tree, "passed over package.json: a symlink"));
}

TEST_CASE("there has to be a folder, and no shipit.toml of whatever kind") {
    const Tree tree{{"here", ""}};
    CHECK_THROWS_AS((void)first_settings(tree.path() / "absent", {}), Error);
    CHECK_THROWS_AS((void)first_settings(tree.path() / "here", {}), Error);
    CHECK_NOTHROW(refuse_to_overwrite(settings_file_in(tree.path())));
    REQUIRE(::symlink("absent", settings_file_in(tree.path()).c_str()) == 0);
    CHECK_THROWS_AS(refuse_to_overwrite(settings_file_in(tree.path())), Error);
}

TEST_SUITE_END();
