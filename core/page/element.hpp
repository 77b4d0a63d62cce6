// HTML, put together from elements. Names of elements and attributes are ours; whatever comes in as
// text or as an attribute's value is escaped, and there is no other way in.
#pragma once

#include <string>
#include <string_view>

namespace shipit::page {

class Element {
  public:
    explicit Element(std::string_view name);

    // Bytes that are no UTF-8, control characters and what turns the direction of writing are made
    // visible first.
    Element& set(std::string_view attribute, std::string_view value);
    Element& text(std::string_view text);
    Element& add(const Element& child);
    // An element with nothing but text in it, and a class unless that is empty.
    Element& add(std::string_view name, std::string_view its_class, std::string_view its_text);

    [[nodiscard]] std::string html() const;

  private:
    std::string m_name;
    std::string m_attributes;
    std::string m_inside;
};

} // namespace shipit::page
