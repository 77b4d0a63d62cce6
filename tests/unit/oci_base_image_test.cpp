#include "core/oci/base_image.hpp"

#include "core/base/error.hpp"
#include "core/oci/image.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <string>

namespace shipit::oci {
namespace {

constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* layer_type = "application/vnd.oci.image.layer.v1.tar+gzip";

// A layout with one image of one layer.
class Base {
  public:
    explicit Base(const std::string& architecture = own_architecture(),
                  const std::string& type = layer_type) {
        begin_layout(folder());
        layer = add_blob(folder(), "a layer", type);
        Json diff_ids = Json::array();
        diff_ids.push_back(layer.digest);
        const Json config = Json::object({{"architecture", architecture},
                                          {"os", "linux"},
                                          {"rootfs", Json::object({{"diff_ids", diff_ids}})}});
        Json layers = Json::array();
        layers.push_back(layer.json());
        const Json manifest = Json::object(
            {{"config", add_blob(folder(), config.dump(), "config").json()}, {"layers", layers}});
        finish_layout(folder(), add_blob(folder(), manifest.dump(), manifest_type), Json(), "tag");
        begin_layout(to());
    }

    [[nodiscard]] Path folder() const { return m_folder.path() / "base"; }
    [[nodiscard]] Path to() const { return m_folder.path() / "to"; }
    [[nodiscard]] BaseImage copied(const std::string& tag = {}) const {
        return copy_base(folder(), tag, own_architecture(), to());
    }
    [[nodiscard]] std::string refusal(const std::string& tag = {}) const {
        try {
            (void)copied(tag);
        } catch (const Error& error) {
            return error.why();
        }
        return "none";
    }
    void write_index(const std::string& text) const {
        sys::replace(folder() / "index.json", text, 0644);
    }

    Descriptor layer;

  private:
    tests::TestFolder m_folder;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("oci/base_image") {
    TEST_CASE("the layers of a base are copied, and its tag may be named or not") {
        const Base base;
        CHECK(base.copied("tag").layers.items().size() == 1);
        CHECK(base.copied().config["os"].text() == "linux");
        CHECK(sys::read_file(blob_path(base.to(), base.layer)) == "a layer");
    }

    TEST_CASE("a layer that is not what its digest says is refused") {
        const Base base;
        sys::replace(blob_path(base.folder(), base.layer), "another", 0644);
        CHECK(contains(base.refusal(), "does not have the SHA-256"));
        sys::replace(blob_path(base.folder(), base.layer), "cut", 0644);
        CHECK(contains(base.refusal(), "does not have the SHA-256"));
    }

    TEST_CASE("a digest that is a path leads nowhere") {
        const Base base;
        for (const char* digest : {"sha256:../../../../etc/passwd", "/etc/passwd", "", "sha256:"}) {
            CAPTURE(digest);
            base.write_index(R"({"manifests":[{"mediaType":"x","size":1,"digest":")" +
                             std::string(digest) + "\"}]}");
            CHECK(base.refusal() == "it refers to something without a SHA-256 and a size");
        }
    }

    TEST_CASE("what is no index, and an index of anything, is refused in words") {
        const Base base;
        for (const char* text : {"[]", "{}", R"({"manifests":{"a":1}})", R"({"manifests":[]})"}) {
            CAPTURE(text);
            base.write_index(text);
            CHECK(contains(base.refusal(), "it has no image for linux/"));
        }
        base.write_index("no JSON");
        CHECK(contains(base.refusal(), "not JSON"));
    }

    TEST_CASE("the wrong tag, machine or kind of layer is refused") {
        CHECK(contains(Base().refusal("other"), "called other"));
        CHECK(contains(Base("pdp11").refusal(), "it is for 'pdp11'"));
        const Base docker(own_architecture(), "application/vnd.docker.image.rootfs.diff.tar.gzip");
        CHECK(contains(docker.refusal(), "not OCI's"));
    }
}

} // namespace shipit::oci
