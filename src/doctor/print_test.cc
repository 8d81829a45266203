#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "doctor/test_support.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

bool says(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

std::string small_machine_text(Number target, bool container = false) {
  Facts facts = good_machine();
  facts.open_files_hard = 20'000;
  facts.somaxconn = 128;
  facts.container = container;
  return to_text(judge(facts, {.target = target}));
}

TEST(DoctorWords, numbers_are_grouped) {
  EXPECT_EQ(grouped(uint64_t{0}), "0");
  EXPECT_EQ(grouped(uint64_t{999}), "999");
  EXPECT_EQ(grouped(uint64_t{1'000}), "1,000");
  EXPECT_EQ(grouped(uint64_t{1'048'576}), "1,048,576");
  EXPECT_EQ(grouped(Number{}), "unknown");
  EXPECT_EQ(grouped(Number{kNoLimit}), "unlimited");
}

TEST(DoctorWords, bytes_have_a_unit) {
  EXPECT_EQ(bytes_text(512UL * 1024 * 1024), "512 MiB");
  EXPECT_EQ(bytes_text(1536UL * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(bytes_text(1UL << 45), "32,768.0 GiB");
}

TEST(DoctorWords, numbers_are_rounded_to_the_safe_side) {
  EXPECT_EQ(rounded_up(7), 7U);
  EXPECT_EQ(rounded_up(99), 99U);
  EXPECT_EQ(rounded_up(101), 110U);
  EXPECT_EQ(rounded_up(10'256), 11'000U);
  EXPECT_EQ(rounded_up(990'001), 1'000'000U);
  EXPECT_EQ(rounded_up(2'400'000), 2'400'000U);
  EXPECT_EQ(rounded_up(UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(rounded_down(768), 768U);
  EXPECT_EQ(rounded_down(19'744), 19'700U);
  EXPECT_EQ(rounded_down(0), 0U);
}

TEST(DoctorText, says_what_holds_and_what_limits) {
  const std::string text = small_machine_text(std::nullopt);
  std::string line = text;
  std::ranges::replace(line, '\n', ' ');
  EXPECT_TRUE(says(line,
                   "This machine can hold about 19,700 connections (limited by: open files "
                   "of a process); after the changes above about 2,"))
      << text;
  EXPECT_TRUE(says(line, "connections (limited by: memory of the machine). "));
  EXPECT_FALSE(says(text, "Wanted"));
}

TEST(DoctorText, has_commands_to_paste) {
  const std::string text = small_machine_text(100'000);
  EXPECT_TRUE(says(text, "\n            LimitNOFILE=110000\n")) << text;
  EXPECT_TRUE(says(text, "\n            ulimit -n 110000\n"));
  EXPECT_TRUE(says(text, "\n            docker run --ulimit nofile=110000:110000\n"));
  EXPECT_TRUE(says(text, "\n            sysctl -w net.core.somaxconn=4096\n"));
  EXPECT_TRUE(says(text,
                   "\ncat > /etc/sysctl.d/90-millrace.conf <<'EOF'\n"
                   "net.core.somaxconn = 4096\n"
                   "EOF\nsysctl --system\n"));
}

TEST(DoctorText, settings_of_several_numbers_are_quoted) {
  Facts facts = good_machine();
  facts.tcp_mem_pages = Triple{1, 2, 3};
  const std::string text = to_text(judge(facts, {.target = 1'000'000}));
  EXPECT_TRUE(says(text, "sysctl -w net.ipv4.tcp_mem='187500 250000 375000'\n")) << text;
  EXPECT_TRUE(says(text, "\nnet.ipv4.tcp_mem = 187500 250000 375000\n"));
}

TEST(DoctorText, target_is_answered) {
  EXPECT_TRUE(says(small_machine_text(10'000), "Wanted: 10,000. It can hold them.\n"));
  EXPECT_TRUE(
      says(small_machine_text(100'000),
           "Wanted: 100,000. It cannot hold them as it is; after the changes above it can."));
  EXPECT_TRUE(says(small_machine_text(9'000'000),
                   "Wanted: 9,000,000. It cannot hold them, also after the changes above."));
  EXPECT_TRUE(says(to_text(judge(Facts{}, {.target = 5})), "Wanted: 5. That cannot be said.\n"));
}

TEST(DoctorText, good_machine_has_nothing_to_paste) {
  const std::string text = to_text(judge(good_machine(), {.target = 1'000'000}));
  EXPECT_FALSE(says(text, "CHANGE")) << text;
  EXPECT_FALSE(says(text, "90-millrace.conf"));
  EXPECT_FALSE(says(text, "after the changes"));
}

TEST(DoctorText, container_is_told_of_its_host) {
  EXPECT_TRUE(says(small_machine_text(std::nullopt, true), "This is a container."));
  EXPECT_FALSE(says(small_machine_text(std::nullopt, false), "This is a container."));
}

TEST(DoctorText, unknown_facts_are_named_and_left_out) {
  Facts facts = good_machine();
  facts.file_max = std::nullopt;
  const std::string text = to_text(judge(facts, {}));
  EXPECT_TRUE(says(text, "unknown open files of the machine      cannot be read from\n")) << text;
  EXPECT_TRUE(says(text, "/proc/sys/fs/file-max\n"));
  EXPECT_TRUE(says(text, "left out"));
}

TEST(DoctorText, lines_fit_a_terminal_unless_they_are_commands) {
  Facts facts = good_machine();
  facts.open_files_hard = 1'024;
  facts.huge_pages = "always";
  facts.cpu_quota_millis = 500;
  std::istringstream lines(to_text(judge(facts, {.target = 5'000'000})));
  for (std::string line; std::getline(lines, line);) {
    const bool command = line.starts_with(std::string(12, ' ')) && line[12] != ' ';
    if (command) continue;
    const auto columns = std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    EXPECT_LE(columns, 80) << line;
  }
}

TEST(DoctorJson, has_the_answer_and_every_finding) {
  Facts facts = good_machine();
  facts.open_files_hard = 20'000;
  const Report report = judge(facts, {.target = 1'000'000});
  const std::string json = to_json(report);
  EXPECT_TRUE(json.starts_with(
      R"({"connections":19744,"connections_limited_by":"open_files","connections_after":1099744,)"))
      << json;
  EXPECT_TRUE(says(json, R"("target":1000000,"target_met":false,"container":false,)"));
  EXPECT_TRUE(says(json, R"("text":"[Service]\nLimitNOFILE=1100000")"));
  EXPECT_TRUE(says(json, R"("sysctls":{"fs.nr_open":"1100000"},"remedies":[])"));
  for (const Finding& finding : report.findings)
    EXPECT_TRUE(says(json, R"({"id":")" + std::string(finding.id) + "\"")) << finding.id;
  EXPECT_TRUE(json.ends_with("}]}\n"));
  EXPECT_EQ(std::ranges::count(json, '\n'), 1);
}

TEST(DoctorJson, what_is_unknown_is_null) {
  const std::string json = to_json(judge(Facts{}, {}));
  EXPECT_TRUE(json.starts_with(
      R"({"connections":null,"connections_limited_by":null,"connections_after":null,)"))
      << json;
  EXPECT_TRUE(says(json, R"("target":null,"target_met":true,)"));
  EXPECT_TRUE(says(json, R"("verdict":"unknown")"));
}

}  // namespace
}  // namespace millrace::doctor
