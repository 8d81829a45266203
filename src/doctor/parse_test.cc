#include "doctor/parse.h"

#include <gtest/gtest.h>

namespace millrace::doctor {
namespace {

TEST(DoctorParse, number_is_one_word_of_digits) {
  EXPECT_EQ(parse_number("4096\n"), 4'096U);
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "\n", "x", "12x", "-1", "1 2", "18446744073709551616", "0x10"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

TEST(DoctorParse, port_range_is_two_ports_in_order) {
  const auto range = parse_port_range("32768\t60999\n");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, 32'768U);
  EXPECT_EQ(range->high, 60'999U);
  for (const char* text : {"", "32768", "60999 32768", "1 65536", "1 2 3", "a b"})
    EXPECT_FALSE(parse_port_range(text)) << text;
}

TEST(DoctorParse, triple_is_three_numbers) {
  EXPECT_EQ(parse_triple("4096\t131072\t6291456\n"), (Triple{4'096, 131'072, 6'291'456}));
  for (const char* text : {"", "1 2", "1 2 3 4", "1 two 3"})
    EXPECT_FALSE(parse_triple(text)) << text;
}

TEST(DoctorParse, kernel_version_is_its_first_two_numbers) {
  EXPECT_EQ(parse_kernel_version("6.1.0-18-amd64\n"), (KernelVersion{6, 1}));
  EXPECT_EQ(parse_kernel_version("5.15-rc1"), (KernelVersion{5, 15}));
  EXPECT_LT((KernelVersion{5, 19}), (KernelVersion{6, 0}));
  for (const char* text : {"", "6", "six.one", "6.x"})
    EXPECT_FALSE(parse_kernel_version(text)) << text;
}

TEST(DoctorParse, cpu_list_is_counted) {
  EXPECT_EQ(parse_cpu_list("0\n"), 1U);
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n"), 7U);
  for (const char* text : {"", "3-0", "a-b", "0-", "0-99999999", "1;2"})
    EXPECT_FALSE(parse_cpu_list(text)) << text;
}

TEST(DoctorParse, chosen_word_is_the_one_in_brackets) {
  EXPECT_EQ(parse_chosen("always [madvise] never\n"), "madvise");
  for (const char* text : {"", "always madvise never", "[]", "[always"})
    EXPECT_FALSE(parse_chosen(text)) << text;
}

TEST(DoctorParse, meminfo_is_in_kilobytes) {
  constexpr std::string_view kText = "MemTotal:       16384 kB\nMemAvailable:    8192 kB\nOdd: 5\n";
  EXPECT_EQ(parse_meminfo(kText, "MemTotal"), 16U * 1024 * 1024);
  EXPECT_EQ(parse_meminfo(kText, "MemAvailable"), 8U * 1024 * 1024);
  EXPECT_EQ(parse_meminfo(kText, "Odd"), std::nullopt);
  EXPECT_EQ(parse_meminfo(kText, "Mem"), std::nullopt);
  EXPECT_EQ(parse_meminfo("MemTotal: many kB\n", "MemTotal"), std::nullopt);
  EXPECT_EQ(parse_meminfo("MemTotal: 18446744073709551615 kB\n", "MemTotal"), std::nullopt);
}

TEST(DoctorParse, memory_stat_is_found_by_its_whole_name) {
  constexpr std::string_view kText = "total_inactive_file 7\ninactive_file 5\n";
  EXPECT_EQ(parse_stat(kText, "inactive_file"), 5U);
  EXPECT_EQ(parse_stat(kText, "total_inactive_file"), 7U);
  EXPECT_EQ(parse_stat(kText, "active_file"), std::nullopt);
}

TEST(DoctorParse, open_files_may_be_unlimited) {
  const auto files = parse_open_files(
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            1024                 524288               files     \n");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->soft, 1'024U);
  EXPECT_EQ(files->hard, 524'288U);
  const auto unlimited = parse_open_files("Max open files 1024 unlimited files\n");
  ASSERT_TRUE(unlimited);
  EXPECT_EQ(unlimited->hard, kNoLimit);
  for (const char* text : {"", "Max processes 1 2", "Max open files 1024", "Max open files a b c"})
    EXPECT_FALSE(parse_open_files(text)) << text;
}

TEST(DoctorParse, cgroup_limit_may_be_none) {
  EXPECT_EQ(parse_cgroup_limit("536870912\n"), 536'870'912U);
  EXPECT_EQ(parse_cgroup_limit("max\n"), kNoLimit);
  EXPECT_EQ(parse_cgroup_limit("9223372036854771712\n"), kNoLimit);
  for (const char* text : {"", "maximum", "-1", "1 2"})
    EXPECT_EQ(parse_cgroup_limit(text), std::nullopt) << text;
}

TEST(DoctorParse, cpu_quota_is_in_thousandths_of_a_cpu) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1'500U);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), kNoLimit);
  EXPECT_EQ(parse_cpu_quota("50000\n", "100000\n"), 500U);
  EXPECT_EQ(parse_cpu_quota("-1\n", "100000\n"), kNoLimit);
  for (const char* text : {"", "max", "1 0", "x 100000", "1 2 3"})
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  EXPECT_EQ(parse_cpu_quota("50000", ""), std::nullopt);
  EXPECT_EQ(parse_cpu_quota("-2", "100000"), std::nullopt);
}

TEST(DoctorParse, cgroup_path_is_that_of_its_controller) {
  constexpr std::string_view kText =
      "12:cpu,cpuacct:/a\n4:memory:/docker/b:c\n1:name=systemd:/d\n0::/e\n";
  EXPECT_EQ(parse_cgroup_path(kText, "cpu"), "/a");
  EXPECT_EQ(parse_cgroup_path(kText, "memory"), "/docker/b:c");
  EXPECT_EQ(parse_cgroup_path(kText, ""), "/e");
  EXPECT_EQ(parse_cgroup_path(kText, "cpuset"), std::nullopt);
  EXPECT_EQ(parse_cgroup_path("garbage\n::\n7::/x\n", ""), std::nullopt);
}

}  // namespace
}  // namespace millrace::doctor
