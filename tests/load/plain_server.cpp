// The simplest server there is, to be replaced under load: one thread, one connection at a time,
// its port in the program, no handler for SIGTERM. Linked statically, so that nothing can be
// preloaded. Its answer names the release of the environment, or what the file `version` beside it
// says.
//
//   plain_server PORT [HOST]
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

std::string own_release() {
    std::string release;
    if (std::ifstream("version") >> release)
        return release;
    const char* given = std::getenv("SHIPIT_RELEASE");
    return given != nullptr ? given : "?";
}

} // namespace

int main(int argc, char** argv) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    const std::string body = "release " + own_release() + "\n";
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\nConnection: close\r\n\r\n" + body;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    (void)::setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
    if (argc > 2)
        name.sin_addr.s_addr = ::inet_addr(argv[2]);
    if (::bind(server, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(server, 128) != 0)
        return 1;
    for (;;) {
        const int client = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0)
            return 2;
        char request[4096];
        if (::read(client, request, sizeof request) > 0)
            (void)!::write(client, answer.data(), answer.size());
        ::close(client);
    }
}
