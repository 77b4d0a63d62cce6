#include "core/push/messages.hpp"

#include "core/base/text.hpp"
#include "core/slug/patch.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <sys/random.h>

namespace shipit::push {

namespace {

constexpr int best_level = 19;
constexpr std::size_t time_size = 8;
constexpr std::size_t size_size = 8;
constexpr std::size_t longest_branch = 4096;
constexpr std::size_t longest_subject = 200;

[[noreturn]] void refuse(const char* what) {
    throw Error(fmt::format("the push's request is malformed: {}", what));
}

std::optional<std::chrono::milliseconds> time_in(const Json& json) {
    if (json.is_null())
        return std::nullopt;
    const auto count = json.integer(-1);
    if (count < 0 || std::chrono::milliseconds(count) > longest_time)
        refuse("a time is out of range");
    return std::chrono::milliseconds(count);
}

std::string text_in(const Json& json, std::size_t longest) {
    auto text = json.text();
    if (text.size() > longest)
        refuse("a text is too long");
    return text;
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<release::Source> source_in(const Json& json) {
    constexpr std::size_t sha1_digits = 40;
    constexpr std::size_t sha256_digits = 64;
    if (!json.is_object())
        return std::nullopt;
    release::Source source{
        text_in(json["commit"], sha256_digits), printable(text_in(json["branch"], longest_branch)),
        json["dirty"].boolean(), printable(text_in(json["subject"], longest_subject))};
    if (!is_hex(source.commit) ||
        (source.commit.size() != sha1_digits && source.commit.size() != sha256_digits))
        refuse("its commit is none");
    return source;
}

std::vector<std::string> texts_in(const Json& json) {
    std::vector<std::string> texts;
    for (const auto& item : json.items())
        texts.push_back(item.text());
    return texts;
}

// For each entry that has the same content in `base`, and what it is there.
void for_same(slug::FileList& list, const slug::FileList& base,
              const std::function<void(slug::Entry&, const slug::Entry&)>& meet) {
    slug::merge(base, list, [&](const slug::Entry* then, const slug::Entry* now) {
        if (then != nullptr && now != nullptr && then->same_content(*now))
            meet(list.entries[static_cast<std::size_t>(now - list.entries.data())], *then);
    });
}

} // namespace

std::string Offer::text() const {
    Json ids = Json::array();
    for (const auto& id : slugs)
        ids.push_back(id.text());
    return Json::object(
               {{"slugs", ids}, {"leave_out", Json::array_of(leave_out)}, {"stores", stores}})
        .dump();
}

Offer Offer::parse(std::string_view text) {
    const Json json = Json::parse(text);
    Offer offer;
    for (const auto& item : json["slugs"].items())
        if (auto id = SlugId::parse(item.text()))
            offer.slugs.push_back(std::move(*id));
    offer.leave_out = texts_in(json["leave_out"]);
    offer.stores = json["stores"].boolean();
    return offer;
}

std::string Request::text() const {
    const auto count = [](std::chrono::milliseconds time) { return std::int64_t{time.count()}; };
    Json json = Json::object({{"slug", slug.text()},
                              {"token", token},
                              {"description", options.description},
                              {"force", options.force},
                              {"until_live", options.until_live},
                              {"lock_patience_ms", count(options.lock_patience)}});
    if (base)
        json.set("base", base->text());
    if (options.no_activate)
        json.set("no_activate", true);
    if (options.trial)
        json.set("trial_ms", count(*options.trial));
    if (source)
        json.set("source", release::json_of(*source));
    if (!files_left_out.empty())
        json.set("files_left_out", Json::array_of(files_left_out));
    return json.dump();
}

Request Request::parse(std::string_view text) {
    const Json json = Json::parse(text);
    auto slug = SlugId::parse(json["slug"].text());
    if (!slug)
        refuse("it names no slug");
    Request request{std::move(*slug), json["token"].text()};
    if (!is_token(request.token))
        refuse("it has no token");
    if (!json["base"].is_null()) {
        request.base = SlugId::parse(json["base"].text());
        if (!request.base)
            refuse("its base is no slug");
    }
    request.options.description = text_in(json["description"], longest_description);
    request.options.force = json["force"].boolean();
    request.options.until_live = json["until_live"].boolean();
    request.options.lock_patience =
        time_in(json["lock_patience_ms"]).value_or(std::chrono::milliseconds(0));
    request.options.trial = time_in(json["trial_ms"]);
    request.options.no_activate = json["no_activate"].boolean();
    request.source = source_in(json["source"]);
    request.files_left_out = texts_in(json["files_left_out"]);
    return request;
}

std::string new_token() {
    std::array<char, 16> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        throw_errno("cannot get random numbers");
    return slug::Hash::from_bytes(random.data()).hex();
}

bool is_token(std::string_view text) {
    constexpr std::size_t digits = 32;
    return text.size() == digits && is_hex(text);
}

std::string bytes_of(slug::FileList list, const slug::FileList& base) {
    for_same(list, base, [](slug::Entry& entry, const slug::Entry&) { entry.mtime = 0; });
    const auto text = list.text();
    std::string bytes;
    slug::append_number(bytes, text.size(), size_size);
    bytes += text;
    for (const auto& entry : list.entries)
        slug::append_number(bytes, static_cast<std::uint64_t>(entry.mtime), time_size);
    return bytes;
}

slug::FileList list_in(std::string_view bytes, const slug::FileList& base,
                       const slug::Limits& limits) {
    const auto refuse_list = [](const char* why) {
        throw Error(fmt::format("the pushed list is malformed: {}", why), Outcome::corrupt);
    };
    if (bytes.size() < size_size)
        refuse_list("it has no size");
    const auto size = slug::number_at(bytes, 0, size_size);
    bytes.remove_prefix(size_size);
    if (size > bytes.size())
        refuse_list("it ends too early");
    slug::require_few_entries(bytes.substr(0, size), limits);
    auto list = slug::FileList::parse(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (bytes.size() != list.entries.size() * time_size)
        refuse_list("it has not as many times as entries");
    for (auto& entry : list.entries) {
        entry.mtime = static_cast<std::int64_t>(slug::number_at(bytes, 0, time_size));
        if (entry.mtime != slug::clamped_mtime(entry.mtime))
            refuse_list("a time is out of range");
        bytes.remove_prefix(time_size);
    }
    for_same(list, base,
             [](slug::Entry& entry, const slug::Entry& then) { entry.mtime = then.mtime; });
    return list;
}

std::string list_message(std::string_view bytes, const slug::FileList& base) {
    std::string message;
    slug::append_number(message, bytes.size(), size_size);
    return message + slug::patch_of(bytes, base.text(), best_level);
}

std::string bytes_in(std::string_view message, const slug::FileList& base, std::uint64_t most) {
    if (message.size() < size_size)
        throw Error("the pushed list is malformed: it has no size", Outcome::corrupt);
    const auto size = slug::number_at(message, 0, size_size);
    if (size > most)
        throw Error(
            fmt::format("the pushed list has {}; {} may be", size_text(size), size_text(most)));
    return slug::patched(message.substr(size_size), base.text(), size);
}

std::string message_of(const Bits& bits) {
    std::string bytes((bits.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < bits.size(); i++)
        if (bits[i])
            bytes[i / 8] =
                static_cast<char>(static_cast<unsigned char>(bytes[i / 8]) | (1U << (i % 8)));
    return slug::patch_of(bytes, {}, best_level);
}

Bits bits_in(std::string_view message, std::size_t count) {
    const auto bytes = slug::patched(message, {}, (count + 7) / 8);
    Bits bits(count);
    for (std::size_t i = 0; i < count; i++)
        bits[i] = (static_cast<unsigned char>(bytes[i / 8]) & (1U << (i % 8))) != 0;
    return bits;
}

} // namespace shipit::push
