// The text of a file list, written and read: the format of shipit-slug(5).
#include "core/base/error.hpp"
#include "core/slug/file_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

constexpr std::size_t most_target_bytes = 4096;
constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 60;

void append_escaped(std::string& text, std::string_view raw) {
    if (raw.find_first_of("\\\n\t") == std::string_view::npos) {
        text += raw;
        return;
    }
    for (const char byte : raw) {
        if (byte == '\\')
            text += "\\\\";
        else if (byte == '\n')
            text += "\\n";
        else if (byte == '\t')
            text += "\\t";
        else
            text += byte;
    }
}

std::optional<std::string> unescaped(std::string_view text) {
    if (text.find('\\') == std::string_view::npos)
        return std::string(text);
    std::string raw;
    raw.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\') {
            raw += text[i];
            continue;
        }
        i++;
        if (i == text.size())
            return std::nullopt;
        if (text[i] == '\\')
            raw += '\\';
        else if (text[i] == 'n')
            raw += '\n';
        else if (text[i] == 't')
            raw += '\t';
        else
            return std::nullopt;
    }
    return raw;
}

void append_mode(std::string& text, unsigned mode) {
    for (const unsigned shift : {9U, 6U, 3U, 0U})
        text += static_cast<char>('0' + (mode >> shift & 7U));
}

void append_line(std::string& text, const Entry& entry) {
    text += static_cast<char>(entry.type);
    text += '\t';
    if (entry.type == Type::file || entry.type == Type::folder)
        append_mode(text, entry.mode);
    else
        text += '-';
    text += '\t';
    if (entry.type == Type::file) {
        fmt::format_to(std::back_inserter(text), "{}\t", entry.size);
        entry.hash.append_hex(text);
        text += '\t';
    } else {
        text += "-\t-\t";
    }
    append_escaped(text, entry.path);
    text += '\t';
    append_escaped(text, entry.target);
    text += '\n';
}

template <class Number>
std::optional<Number> number_in(std::string_view text, int base) {
    Number number{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (fault != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

// Fields that an entry of another type must not have read "-".
bool take_type(Entry& entry, std::string_view type) {
    if (type.size() != 1 || std::string_view("fdlh").find(type[0]) == std::string_view::npos)
        return false;
    entry.type = static_cast<Type>(type[0]);
    return true;
}

bool take_mode(Entry& entry, std::string_view text) {
    if (entry.type != Type::file && entry.type != Type::folder)
        return text == "-";
    const auto mode = number_in<unsigned>(text, 8);
    if (text.size() != 4 || !mode || *mode > 0777)
        return false;
    entry.mode = *mode;
    return true;
}

bool take_content(Entry& entry, std::string_view size_text, std::string_view hash_text) {
    if (entry.type != Type::file)
        return size_text == "-" && hash_text == "-";
    const auto size = number_in<std::uint64_t>(size_text, 10);
    const auto hash = Hash::parse(hash_text);
    const bool plain = size_text.size() == 1 || !size_text.starts_with('0');
    if (!size || !hash || !plain || *size > most_file_bytes)
        return false;
    entry.size = *size;
    entry.hash = *hash;
    return true;
}

// Exactly as many as there is room for.
bool take_fields(std::array<std::string_view, 6>& fields, std::string_view line) {
    for (auto& field : fields) {
        const auto end = line.find('\t');
        const bool is_last = &field == &fields.back();
        if ((end == std::string_view::npos) != is_last)
            return false;
        field = line.substr(0, end);
        line.remove_prefix(is_last ? line.size() : end + 1);
    }
    return true;
}

std::optional<Entry> parse_line(std::string_view line) {
    std::array<std::string_view, 6> fields;
    Entry entry;
    if (!take_fields(fields, line) || !take_type(entry, fields[0]) ||
        !take_mode(entry, fields[1]) || !take_content(entry, fields[2], fields[3]))
        return std::nullopt;
    auto path = unescaped(fields[4]);
    auto target = unescaped(fields[5]);
    const bool has_target = entry.type == Type::symlink || entry.type == Type::hard_link;
    if (!path || !target || target->empty() == has_target || target->size() > most_target_bytes ||
        target->find('\0') != std::string::npos)
        return std::nullopt;
    entry.path = std::move(*path);
    entry.target = std::move(*target);
    return entry;
}

// Checks one entry after another against those before it.
class Order {
  public:
    // Why `entry` may not follow what came before it, or null.
    const char* fault_of(const Entry& entry) {
        if (const char* fault = path_fault(entry.path))
            return fault;
        if (!m_last.empty() && !path_before(m_last, entry.path))
            return "it is not in order";
        m_last = entry.path;
        while (!m_folders.empty() && !is_inside(entry.path, m_folders.back()))
            m_folders.pop_back();
        const auto slash = entry.path.rfind('/');
        const std::string_view parent = slash == std::string::npos
                                            ? std::string_view()
                                            : std::string_view(entry.path).substr(0, slash);
        if (parent != (m_folders.empty() ? std::string_view() : std::string_view(m_folders.back())))
            return "its folder is not listed";
        if (entry.type == Type::folder)
            m_folders.push_back(entry.path);
        return nullptr;
    }

  private:
    static bool is_inside(std::string_view path, std::string_view folder) {
        return path.size() > folder.size() && path.starts_with(folder) &&
               path[folder.size()] == '/';
    }
    std::string m_last;
    std::vector<std::string> m_folders;
};

} // namespace

std::string FileList::text() const {
    std::string text;
    text.reserve(entries.size() * 96);
    for (const auto& entry : entries)
        append_line(text, entry);
    return text;
}

FileList FileList::parse(std::string_view text) {
    FileList list;
    list.entries.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    Order order;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto entry = end == std::string_view::npos ? std::nullopt : parse_line(text.substr(0, end));
        const char* fault = entry ? order.fault_of(*entry) : "it is malformed";
        if (fault == nullptr && entry->type == Type::hard_link) {
            const auto* file = list.find(entry->target);
            if (file == nullptr || file->type != Type::file)
                fault = "it links to no earlier file";
            else
                entry->mode = file->mode;
        }
        if (fault != nullptr)
            throw Error(fmt::format("line {} of the slug's file list is wrong: {}",
                                    list.entries.size() + 1, fault),
                        Outcome::corrupt);
        list.entries.push_back(std::move(*entry));
        text.remove_prefix(end + 1);
    }
    return list;
}

} // namespace shipit::slug
