#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "delta/delta.h"

namespace millrace::delta {
namespace {

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string random_bytes(base::Prng& random, size_t size) {
  std::vector<uint8_t> bytes(size);
  random.fill(bytes);
  return {bytes.begin(), bytes.end()};
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

// The patch's size, or the target's if there is none. Checks all that is promised of a patch.
size_t bytes_sent(std::string_view source, std::string_view target, Text text) {
  static Encoder encoder;
  const std::optional<std::string> patch = encoder.create(source, target, text);
  // What one create() may cost for each byte of its input; see SourceIndex's and align()'s bounds.
  EXPECT_LE(encoder.steps(), 64 * (source.size() + target.size()) + 64);
  if (!patch) return target.size();
  EXPECT_LT(patch->size() + kMarkBytes, target.size());
  if (text == Text::kUtf8 && is_utf8(source) && is_utf8(target)) {
    EXPECT_TRUE(is_utf8(*patch)) << *patch;
  }
  const auto applied = delta::apply(source, *patch);
  EXPECT_TRUE(applied) << applied.error().message;
  EXPECT_TRUE(applied.value_or("") == target) << *patch;
  return patch->size();
}

TEST(Encoder, the_same_again_is_one_copy) {
  const std::string text = repeated("all work and no play ", 10);
  EXPECT_EQ(Encoder().create(text, text, Text::kBytes), "3I\n3I@0,6aGXd;");
}

TEST(Encoder, one_changed_value_is_an_insert_between_copies) {
  const std::string source = R"({"symbol":"MILL","price":101.25,"volume":48210,"open":true})";
  const std::string target = R"({"symbol":"MILL","price":101.31,"volume":48210,"open":true})";
  EXPECT_EQ(Encoder().create(source, target, Text::kUtf8), "w\nT@0,2:31S@V,1SJXW7;");
}

TEST(Encoder, nothing_is_gained_for_short_or_empty_targets) {
  Encoder encoder;
  EXPECT_EQ(encoder.create("", "", Text::kBytes), std::nullopt);
  EXPECT_EQ(encoder.create("abc", "", Text::kBytes), std::nullopt);
  EXPECT_EQ(encoder.create("", "abc", Text::kBytes), std::nullopt);
  EXPECT_EQ(encoder.create("abc", "abc", Text::kBytes), std::nullopt);
  EXPECT_EQ(encoder.create("", repeated("abc", 100), Text::kBytes), std::nullopt);
}

TEST(Encoder, a_patch_that_saves_no_more_than_its_mark_costs_is_none) {
  Encoder encoder;
  bool made = false;
  for (size_t size = 0; size < 64; ++size) {
    const std::string text(size, 'x');
    const auto patch = encoder.create(text, text, Text::kBytes);
    EXPECT_TRUE(!patch || patch->size() + kMarkBytes < size);
    EXPECT_TRUE(patch || !made) << "a longer target saves more";
    made = patch.has_value();
  }
  EXPECT_TRUE(made);
}

TEST(Encoder, short_sources_are_used_too) {
  for (size_t size = 0; size <= 16; ++size) {
    const std::string source = std::string("abcdefghijklmnop").substr(0, size);
    const size_t sent = bytes_sent(source, source + repeated(source, 8), Text::kBytes);
    EXPECT_TRUE(size < 16 || sent < 80) << sent;
  }
}

TEST(Encoder, what_is_inserted_or_deleted_anywhere_costs_little) {
  base::Prng random(1);
  const std::string source = random_bytes(random, 1000);
  for (size_t at = 0; at <= source.size(); at += 10) {
    const std::string longer = source.substr(0, at) + "inserted" + source.substr(at);
    EXPECT_LT(bytes_sent(source, longer, Text::kBytes), 40U) << at;
    EXPECT_LT(bytes_sent(longer, source, Text::kBytes), 40U) << at;
  }
}

TEST(Encoder, parts_that_changed_places_are_copied) {
  base::Prng random(2);
  const std::string a = random_bytes(random, 400);
  const std::string b = random_bytes(random, 300);
  const std::string c = random_bytes(random, 500);
  EXPECT_LT(bytes_sent(a + b + c, c + b + a, Text::kBytes), 40U);
  EXPECT_LT(bytes_sent(a + b + c, a + c + b + c, Text::kBytes), 40U);
}

TEST(Encoder, what_cannot_be_compressed_is_sent_in_full) {
  base::Prng random(3);
  for (size_t size : {1U, 7U, 8U, 16U, 100U, 10'000U}) {
    const std::string source = random_bytes(random, size);
    const std::string target = random_bytes(random, size);
    EXPECT_EQ(bytes_sent(source, target, Text::kBytes), size);
  }
}

// An array of objects in which every value may change its length: the key names are everywhere, and
// the right place for each is found all the same.
TEST(Encoder, rows_of_a_table_are_found_again_among_their_likes) {
  base::Prng random(4);
  const auto table = [&](int version) {
    std::string json = "[";
    for (int row = 0; row < 200; ++row) {
      json += R"({"instrument":"I)" + std::to_string(row * 7919) + R"(","last_price":)" +
              std::to_string(random.below(version == 0 ? 1000 : 2000)) + R"(,"state":"open"},)";
    }
    json.back() = ']';
    return json;
  };
  const std::string source = table(0);
  const std::string target = table(1);
  EXPECT_LT(bytes_sent(source, target, Text::kUtf8), target.size() / 4);
}

TEST(Encoder, characters_are_never_cut) {
  // One, two, three and four bytes; neighbours that share all bytes but the last, or but the first.
  const std::vector<std::string> characters = {"x",  "é",  "è",  "à",  "ੀ",  "é¨", "€", "₭",
                                               "中", "丮", "😀", "😁", "🙀", "𝄞",  "Ā", "ŀ"};
  const std::string before = repeated("ёжик в тумане ", 5);
  const std::string behind = repeated(" 霧の中のハリネズミ", 5);
  for (const std::string& from : characters) {
    for (const std::string& to : characters) {
      const std::string source = before + from + behind;
      const std::string target = before + to + behind;
      EXPECT_LT(bytes_sent(source, target, Text::kUtf8), 50U);
      // The same amid what has to be found by its blocks.
      EXPECT_LT(bytes_sent("(" + source + from + source, "[" + target + to + target, Text::kUtf8),
                130U);
    }
  }
}

TEST(Encoder, cuts_are_right_wherever_the_bytes_begin_to_differ) {
  // All four continuation bytes are the same, so that bytewise matches would begin and end
  // anywhere.
  const std::string same_bytes = repeated("\xF0\x90\x90\x90", 40);
  const std::string shorter = repeated("\xE0\xA0\x90", 40);
  for (size_t i = 0; i < 40; ++i) {
    const std::string left = same_bytes.substr(0, i * 4);
    const std::string right = shorter.substr(0, i * 3);
    bytes_sent(left + shorter, shorter + left, Text::kUtf8);
    bytes_sent(right + same_bytes, same_bytes + right, Text::kUtf8);
    bytes_sent(left + "\xD0\x90" + right, right + "\xD0\x90" + left, Text::kUtf8);
  }
}

TEST(Encoder, a_source_that_is_not_utf8_still_makes_a_right_patch) {
  const std::string broken = repeated("\x90\x90\x90", 100);
  bytes_sent(broken + "{}", "{}" + broken, Text::kUtf8);
  bytes_sent(broken, broken + "\xF0" + broken, Text::kUtf8);
}

TEST(Encoder, mutated_texts_make_the_round_trip) {
  base::Prng random(5);
  const std::string alphabet[] = {"a", "b", "\"", "ß", "ẞ", "語", "誤", "🦔", "🦕", "key\":", ",1"};
  for (int round = 0; round < 3000; ++round) {
    std::string source;
    std::string target;
    const uint64_t characters = random.below(200);
    const uint64_t changes = random.below(30) + 1;
    for (uint64_t i = 0; i < characters; ++i) {
      const std::string& character = alphabet[random.below(std::size(alphabet))];
      const bool changed = random.below(60) < changes;
      if (!changed || random.below(2) == 0) source += character;
      if (!changed || random.below(2) == 0) target += character;
    }
    bytes_sent(source, target, Text::kUtf8);
    bytes_sent(source, target, Text::kBytes);
  }
}

TEST(Encoder, keeps_nothing_from_the_last_publication) {
  base::Prng random(6);
  const std::string large = random_bytes(random, 100'000);
  const std::string source = random_bytes(random, 2000);
  const std::string target = source.substr(1000) + source;
  Encoder used;
  EXPECT_TRUE(used.create(large + source, large.substr(9) + large, Text::kBytes).has_value());
  EXPECT_EQ(used.create(source, target, Text::kBytes),
            Encoder().create(source, target, Text::kBytes));
}

TEST(Encoder, long_sources_are_indexed_in_part_and_used_all_the_same) {
  base::Prng random(7);
  const std::string a = random_bytes(random, 300'000);
  const std::string b = random_bytes(random, 200'000);
  EXPECT_LT(bytes_sent(a + b, b + "!" + a, Text::kBytes), 100U);
}

// Inputs made to be slow, at one size and at twice that: the work may not grow faster than they do.
TEST(Encoder, work_grows_no_faster_than_the_input) {
  struct Case {
    std::string source;
    std::string target;
  };
  const auto cases = [](size_t size) {
    const std::string run(size, 'a');
    const std::string period = repeated("abcdefgh", size / 8);
    std::string near_runs;
    std::string near_period;
    for (size_t i = 0; near_runs.size() < size; ++i) {
      near_runs += std::string(i % 15, 'a') + static_cast<char>('b' + i % 20);
      near_period += "abcdefgh" + std::to_string(i);
    }
    near_period.resize(size);
    return std::vector<Case>{
        {run, "b" + run + "b"},
        {"b" + run, run + "c" + run},
        {run + "b" + run, "c" + run + "c" + run},
        {period, period.substr(3) + "x"},
        {"x" + near_period, repeated("abcdefgh!", size / 9)},
        {run, near_runs},
        {near_runs, "x" + run + "x"},
        {near_runs, "x" + near_runs.substr(size / 2) + near_runs.substr(0, size / 2) + "x"},
        {repeated("abcdefghi", size / 9), repeated("abcdefghj", size / 9)},
        {near_period, repeated("\x90", size)},
    };
  };
  const std::vector<Case> small = cases(20'000);
  const std::vector<Case> large = cases(40'000);
  for (size_t i = 0; i < small.size(); ++i) {
    for (const Text text : {Text::kBytes, Text::kUtf8}) {
      SCOPED_TRACE(i);
      Encoder encoder;
      encoder.create(small[i].source, small[i].target, text);
      const uint64_t steps = encoder.steps();
      encoder.create(large[i].source, large[i].target, text);
      EXPECT_LE(encoder.steps(), steps * 5 / 2);
      bytes_sent(large[i].source, large[i].target, text);
    }
  }
}

}  // namespace
}  // namespace millrace::delta
