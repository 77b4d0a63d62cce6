// The host's side, until all has arrived.
#pragma once

#include "core/push/arrivals.hpp"
#include "core/push/assembly.hpp"
#include "core/push/messages.hpp"
#include "core/push/wire.hpp"
#include "core/slug/limits.hpp"
#include "core/slug/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::push {

// The app that is pushed to.
struct Receiving {
    Path releases;                      // its slugs; no other app's are ever looked at
    Path arrivals;                      // arrivals_in()
    slug::Limits limits;                // for what comes from outside
    std::vector<std::string> leave_out; // paths that its settings keep out of slugs
};

// What has arrived, all of it.
class Delivery {
  public:
    Delivery(Material material, Arrivals arrivals)
        : m_material(std::move(material)), m_arrivals(std::move(arrivals)) {}

    // As push::assemble. Under the app's lock.
    [[nodiscard]] slug::Build assemble(const Path& parent, const slug::Limits& limits,
                                       const Progress& progress) const {
        return push::assemble(m_material, m_arrivals, parent, limits, progress);
    }
    // It is of no use any more.
    void discard() const { m_arrivals.remove(); }

  private:
    Material m_material;
    Arrivals m_arrivals;
};

class Receiver {
  public:
    // Both outlive this.
    Receiver(Wire& wire, const Receiving& app) : m_wire(wire), m_app(app) {}

    // Greets, says what there is, and takes the request. Throws Error, Disconnected.
    [[nodiscard]] Request greet();
    // Takes what is missing, keeping each piece that arrives; the request must be greet()'s.
    // Throws Error, with what is wrong with the list or a piece; Disconnected.
    [[nodiscard]] Delivery receive(const Request& request);

  private:
    void open_slugs(Material& material, const Request& request) const;
    void require_room(const slug::FileList& list, const std::vector<Piece>& pieces) const;
    void take_pieces(const Arrivals& arrivals, std::size_t count);

    Wire& m_wire;
    const Receiving& m_app;
    std::string m_list; // the message
};

} // namespace shipit::push
