#include "core/page/element.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace shipit::page {

namespace {

constexpr std::array without_end = {"meta", "br"};

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text)
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        case '\'':
            result += "&#39;";
            break;
        default:
            result += c;
        }
    return result;
}

} // namespace

Element::Element(std::string_view name) : m_name(name) {}

Element& Element::set(std::string_view attribute, std::string_view value) {
    m_attributes += ' ';
    m_attributes += attribute;
    m_attributes += "=\"" + escaped(printable(value)) + "\"";
    return *this;
}

Element& Element::text(std::string_view text) {
    m_inside += escaped(printable_lines(text));
    return *this;
}

Element& Element::add(const Element& child) {
    m_inside += child.html();
    return *this;
}

Element& Element::add(std::string_view name, std::string_view its_class,
                      std::string_view its_text) {
    Element child(name);
    if (!its_class.empty())
        child.set("class", its_class);
    return add(child.text(its_text));
}

std::string Element::html() const {
    const std::string begin = "<" + m_name + m_attributes + ">";
    const bool has_end =
        std::find(without_end.begin(), without_end.end(), m_name) == without_end.end();
    return has_end ? begin + m_inside + "</" + m_name + ">" : begin;
}

} // namespace shipit::page
