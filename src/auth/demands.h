// What a token must say of who made it and for whom: issuer and audience; and the parts of them
// that a key set's URL is made of.
#pragma once

#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/auth.h"
#include "auth/claims.h"
#include "base/result.h"

namespace millrace::auth {

// The named groups of the patterns, and what they matched.
using Variables = std::map<std::string, std::string>;

class Demands {
 public:
  // The error's message begins with the option's name.
  static base::Result<Demands> of(const Options& options);

  // What the patterns found in the claims, or nullopt if these are not what is demanded. As in
  // Centrifugo, a pattern may match a part of a claim: ^ and $ tie it to the ends.
  std::optional<Variables> judge(const Claims& claims) const;

  // Whether a pattern has a group of this name.
  bool has_group(const std::string& name) const;

 private:
  std::string audience_{};
  std::string issuer_{};
  std::unique_ptr<re2::RE2> audience_pattern_{};  // null: none
  std::unique_ptr<re2::RE2> issuer_pattern_{};
};

// A URL with {{name}} in some places.
class UrlTemplate {
 public:
  // The error says what is wrong, as the end of a sentence.
  static base::Result<UrlTemplate> parse(const std::string& text, const Demands& demands);

  // The URL, or nullopt if a value is missing or may change more than its place in it: it has
  // to be letters, digits, `-`, `_`, `.` and `~`.
  std::optional<std::string> fill(const Variables& variables) const;

 private:
  std::string head_{};
  struct Part {
    std::string name;
    std::string text;  // behind it
  };
  std::vector<Part> parts_{};
};

}  // namespace millrace::auth
