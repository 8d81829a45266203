// What limits connections: each finding on either side of its border.
#include <gtest/gtest.h>

#include "doctor/assumptions.h"
#include "doctor/test_support.h"

namespace millrace::doctor {
namespace {

constexpr uint64_t kWanted = 1'000'000;

TEST(DoctorLimits, open_files_must_cover_target_and_reserve) {
  Facts facts = good_machine();
  facts.open_files_hard = kWanted + 256;
  EXPECT_EQ(finding_of("open_files", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("open_files", facts).connections, kWanted);
  facts.open_files_hard = kWanted + 255;
  const Finding finding = finding_of("open_files", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 1);
  EXPECT_EQ(finding.after, 1'100'000U - 256);
  ASSERT_EQ(finding.remedies.size(), 4U);
  EXPECT_EQ(finding.remedies[0].text, "[Service]\nLimitNOFILE=1100000");
  EXPECT_EQ(finding.remedies[1].text, "ulimit -n 1100000");
  EXPECT_EQ(finding.remedies[2].text, "docker run --ulimit nofile=1100000:1100000");
  facts.open_files_hard = kNoLimit;
  EXPECT_EQ(finding_of("open_files", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("open_files", facts).connections, std::nullopt);
}

TEST(DoctorLimits, ceiling_for_open_files_matters_where_the_limit_must_rise) {
  Facts facts = good_machine();
  facts.nr_open = 1'099'999;
  EXPECT_EQ(finding_of("nr_open", facts).verdict, Verdict::kOk);
  facts.open_files_hard = 1'024;
  const Finding finding = finding_of("nr_open", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  ASSERT_EQ(finding.sysctls.size(), 1U);
  EXPECT_EQ(finding.sysctls[0].key, "fs.nr_open");
  EXPECT_EQ(finding.sysctls[0].value, "1100000");
  facts.nr_open = 1'100'000;
  EXPECT_EQ(finding_of("nr_open", facts).verdict, Verdict::kOk);
}

TEST(DoctorLimits, open_files_of_the_machine_must_cover_what_is_in_use) {
  Facts facts = good_machine();
  EXPECT_EQ(finding_of("file_max", facts).connections, std::nullopt);
  facts.file_max = kWanted + 1'000 + 256;
  EXPECT_EQ(finding_of("file_max", facts).verdict, Verdict::kOk);
  facts.file_max = kWanted + 1'000 + 255;
  const Finding finding = finding_of("file_max", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 1);
  ASSERT_EQ(finding.sysctls.size(), 1U);
  EXPECT_EQ(finding.sysctls[0].value, "1300000");
  facts.file_max = 10;
  EXPECT_EQ(finding_of("file_max", facts).connections, 0U);
}

TEST(DoctorLimits, configured_limit_must_cover_the_target) {
  const auto configured = [](uint64_t limit) {
    const Plan plan{.target = kWanted, .connection_limit = limit};
    return find(judge(good_machine(), plan), "connection_limit");
  };
  EXPECT_EQ(configured(0).verdict, Verdict::kOk);
  EXPECT_EQ(configured(0).connections, std::nullopt);
  EXPECT_EQ(configured(kWanted).verdict, Verdict::kOk);
  EXPECT_EQ(configured(kWanted - 1).verdict, Verdict::kChange);
  EXPECT_EQ(configured(kWanted - 1).connections, kWanted - 1);
  EXPECT_EQ(configured(kWanted - 1).remedies.at(0).text, "[client]\nconnection_limit = 1000000");
}

TEST(DoctorLimits, memory_must_hold_the_target_and_a_tenth_for_others) {
  Facts facts = good_machine();
  facts.memory_total = 10'000'000'000;
  facts.memory_available = 1'000'000'000 + kWanted * connection_bytes(facts.page_bytes, false);
  EXPECT_EQ(finding_of("memory", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("memory", facts).connections, kWanted);
  *facts.memory_available -= 1;
  EXPECT_EQ(finding_of("memory", facts).verdict, Verdict::kLimit);
  EXPECT_EQ(finding_of("memory", facts).connections, kWanted - 1);
  facts.memory_available = 5;
  EXPECT_EQ(finding_of("memory", facts).connections, 0U);
}

TEST(DoctorLimits, memory_limit_of_the_cgroup_can_be_changed) {
  Facts facts = good_machine();
  EXPECT_EQ(finding_of("memory_limit", facts).verdict, Verdict::kOk);
  facts.memory_limit = 8'000'000'000;
  facts.memory_limit_room = 800'000'000 + kWanted * connection_bytes(facts.page_bytes, false);
  EXPECT_EQ(finding_of("memory_limit", facts).verdict, Verdict::kOk);
  *facts.memory_limit_room -= 1;
  const Finding finding = finding_of("memory_limit", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 1);
  EXPECT_EQ(finding.after, kWanted);
  ASSERT_EQ(finding.remedies.size(), 3U);
  EXPECT_EQ(finding.remedies[0].text, "[Service]\nMemoryMax=7700M");
  EXPECT_EQ(finding.remedies[1].text, "docker run --memory 7700m");
}

TEST(DoctorLimits, tls_in_process_counts_as_memory) {
  const Plan secure{.target = kWanted, .tls = true};
  Facts facts = good_machine();
  facts.memory_total = 10'000'000'000;
  facts.memory_available = 1'000'000'000 + kWanted * connection_bytes(facts.page_bytes, true);
  facts.memory_limit = 40'000'000'000;
  facts.memory_limit_room = 4'000'000'000 + kWanted * connection_bytes(facts.page_bytes, true);
  facts.committed = 0;
  facts.commit_limit = kWanted * (kUserBytes + kTlsBytes);
  facts.overcommit_mode = 2;
  const Report report = judge(facts, secure);
  EXPECT_TRUE(report.tls);
  for (const std::string_view id : {"memory", "memory_limit", "overcommit"}) {
    EXPECT_EQ(find(report, id).verdict, Verdict::kOk) << id;
    EXPECT_EQ(find(report, id).connections, kWanted) << id;
    EXPECT_GT(finding_of(id, facts).connections, kWanted) << id;
  }
  EXPECT_NE(find(report, "memory").explanation.find("16,700 bytes in the server (16,000 of them"),
            std::string::npos);
  *facts.memory_limit_room -= 1;
  const Finding limited = find(judge(facts, secure), "memory_limit");
  EXPECT_EQ(limited.connections, kWanted - 1);
  EXPECT_EQ(limited.remedies.at(0).text, "[Service]\nMemoryMax=39000M");
}

TEST(DoctorLimits, recommended_memory_limit_is_enough) {
  Facts facts = good_machine();
  facts.memory_limit = 600UL * 1024 * 1024;
  facts.memory_limit_room = 500UL * 1024 * 1024;
  const std::string text = finding_of("memory_limit", facts).remedies.at(1).text;
  const uint64_t mebibytes = std::stoull(text.substr(text.rfind(' ') + 1));
  facts.memory_limit = mebibytes * 1024 * 1024;
  facts.memory_limit_room = *facts.memory_limit - 100UL * 1024 * 1024;
  EXPECT_EQ(finding_of("memory_limit", facts).verdict, Verdict::kOk);
}

TEST(DoctorLimits, tcp_memory_holds_a_share_of_the_connections) {
  Facts facts = good_machine();
  facts.tcp_mem_pages = Triple{1, kWanted / 4, 2};
  EXPECT_EQ(finding_of("tcp_mem", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("tcp_mem", facts).connections, kWanted);
  facts.tcp_mem_pages = Triple{1, kWanted / 4 - 1, 2};
  const Finding finding = finding_of("tcp_mem", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 4);
  EXPECT_EQ(finding.after, kWanted);
  ASSERT_EQ(finding.sysctls.size(), 1U);
  EXPECT_EQ(finding.sysctls[0].key, "net.ipv4.tcp_mem");
  EXPECT_EQ(finding.sysctls[0].value, "187500 250000 375000");
}

TEST(DoctorLimits, idle_connections_count_towards_tcp_memory_before_linux_6) {
  Facts facts = good_machine();
  facts.tcp_mem_pages = Triple{1, 300'000, 2};
  facts.kernel = KernelVersion{.major = 5, .minor = 19};
  EXPECT_EQ(finding_of("tcp_mem", facts).connections, 300'000U);
  facts.kernel = KernelVersion{.major = 6, .minor = 0};
  EXPECT_EQ(finding_of("tcp_mem", facts).connections, 1'200'000U);
  facts.kernel = std::nullopt;
  EXPECT_EQ(finding_of("tcp_mem", facts).connections, 300'000U) << "the cautious answer";
}

TEST(DoctorLimits, tcp_memory_without_end_is_no_overflow) {
  Facts facts = good_machine();
  facts.tcp_mem_pages = Triple{UINT64_MAX, UINT64_MAX, UINT64_MAX};
  EXPECT_EQ(finding_of("tcp_mem", facts).verdict, Verdict::kOk);
}

TEST(DoctorLimits, tracked_connections_must_fit) {
  Facts facts = good_machine();
  EXPECT_EQ(finding_of("conntrack", facts).now, "not loaded");
  facts.conntrack_max = kWanted + 50;
  facts.conntrack_count = 50;
  EXPECT_EQ(finding_of("conntrack", facts).verdict, Verdict::kOk);
  facts.conntrack_count = 51;
  const Finding finding = finding_of("conntrack", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 1);
  ASSERT_EQ(finding.sysctls.size(), 2U);
  EXPECT_EQ(finding.sysctls[0].value, "1300000");
  EXPECT_EQ(finding.sysctls[1].value, "325000");
}

TEST(DoctorLimits, connection_tracking_that_tracks_nothing_is_no_limit) {
  Facts facts = good_machine();
  facts.conntrack_max = 1'000;
  facts.conntrack_count = 0;
  EXPECT_EQ(finding_of("conntrack", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("conntrack", facts).connections, std::nullopt);
}

TEST(DoctorLimits, cpus_hold_what_they_can_ping) {
  Facts facts = good_machine();
  facts.cpus = 1;
  EXPECT_EQ(finding_of("cpu", facts).verdict, Verdict::kOk);
  EXPECT_EQ(finding_of("cpu", facts).connections, 1'000'000U);
  EXPECT_EQ(finding_of("cpu", facts, 1'000'001).verdict, Verdict::kLimit);
  const auto pinged_every = [&](int milliseconds) {
    const Plan plan{.target = kWanted, .ping_interval = std::chrono::milliseconds(milliseconds)};
    return find(judge(facts, plan), "cpu");
  };
  EXPECT_EQ(pinged_every(5'000).connections, 200'000U);
  EXPECT_EQ(pinged_every(5'000).verdict, Verdict::kLimit);
  EXPECT_EQ(pinged_every(0).connections, std::nullopt) << "without pings";
}

TEST(DoctorLimits, quota_of_cpu_time_below_the_workers_halts_them) {
  Facts facts = good_machine();
  facts.cpu_quota_millis = 4'000;
  EXPECT_EQ(finding_of("cpu", facts).verdict, Verdict::kOk);
  facts.cpu_quota_millis = 2'500;
  const Finding finding = finding_of("cpu", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, 2'500'000U);
  EXPECT_EQ(finding.remedies.at(0).text, "workers = 2");
  facts.cpu_quota_millis = 500;
  EXPECT_EQ(finding_of("cpu", facts).verdict, Verdict::kLimit);
  EXPECT_EQ(finding_of("cpu", facts, 1'000).remedies.at(0).text, "workers = 1");
}

TEST(DoctorLimits, too_few_workers_for_the_target_are_told) {
  const auto with_workers = [](uint64_t workers) {
    return find(judge(good_machine(), {.target = 2'000'000, .workers = workers}), "cpu");
  };
  EXPECT_EQ(with_workers(2).verdict, Verdict::kOk);
  EXPECT_EQ(with_workers(1).verdict, Verdict::kChange);
  EXPECT_EQ(with_workers(1).connections, 1'000'000U);
  EXPECT_EQ(with_workers(1).after, 4'000'000U);
  EXPECT_EQ(with_workers(1).remedies.at(0).text, "workers = 0");
}

TEST(DoctorLimits, strict_promises_of_memory_must_cover_the_server) {
  Facts facts = good_machine();
  facts.committed = 0;
  facts.commit_limit = kWanted * kUserBytes - 1;
  EXPECT_EQ(finding_of("overcommit", facts).verdict, Verdict::kOk) << "mode 0 promises anything";
  facts.overcommit_mode = 2;
  const Finding finding = finding_of("overcommit", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, kWanted - 1);
  EXPECT_EQ(finding.after, std::nullopt);
  *facts.commit_limit += 1;
  EXPECT_EQ(finding_of("overcommit", facts).verdict, Verdict::kOk);
}

}  // namespace
}  // namespace millrace::doctor
