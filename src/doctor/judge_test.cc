// What does not limit connections but is worth a look, what is unknown, and what it all comes to.
#include <gtest/gtest.h>

#include <string>

#include "doctor/assumptions.h"
#include "doctor/test_support.h"

namespace millrace::doctor {
namespace {

TEST(DoctorJudge, short_accept_queue_is_worth_a_change) {
  Facts facts = good_machine();
  EXPECT_EQ(finding_of("somaxconn", facts).verdict, Verdict::kOk);
  facts.somaxconn = 4'095;
  const Finding finding = finding_of("somaxconn", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.connections, std::nullopt);
  EXPECT_EQ(finding.sysctls.at(0).value, "4096");
}

TEST(DoctorJudge, short_handshake_queue_matters_without_syn_cookies) {
  Facts facts = good_machine();
  facts.syn_backlog = 4'095;
  EXPECT_EQ(finding_of("syn_backlog", facts).verdict, Verdict::kOk);
  facts.syncookies = 0;
  EXPECT_EQ(finding_of("syn_backlog", facts).verdict, Verdict::kChange);
  EXPECT_EQ(finding_of("syn_backlog", facts).sysctls.size(), 2U);
  facts.syn_backlog = 4'096;
  EXPECT_EQ(finding_of("syn_backlog", facts).verdict, Verdict::kOk);
}

TEST(DoctorJudge, ports_never_limit_a_server) {
  Facts facts = good_machine();
  Finding finding = finding_of("local_ports", facts);
  EXPECT_EQ(finding.verdict, Verdict::kOk);
  EXPECT_EQ(finding.connections, std::nullopt);
  EXPECT_NE(finding.explanation.find("65,535 is not a limit of a server"), std::string::npos);
  EXPECT_NE(finding.explanation.find("1,000,000 connections needs 36 addresses"),
            std::string::npos);
  EXPECT_EQ(finding.remedies.size(), 1U) << "for those who run a proxy";
  EXPECT_EQ(finding_of("local_ports", facts, 28'232).explanation.find("addresses"),
            std::string::npos);
  facts.local_ports = PortRange{.low = 10'240, .high = 65'535};
  EXPECT_TRUE(finding_of("local_ports", facts).remedies.empty());
  facts.local_ports = PortRange{.low = 60'000, .high = 60'999};
  finding = finding_of("local_ports", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.sysctls.at(0).value, "10240 65535");
}

TEST(DoctorJudge, large_first_buffers_are_worth_a_change) {
  Facts facts = good_machine();
  facts.tcp_wmem = Triple{16'384, 262'144, 4'194'304};
  EXPECT_EQ(finding_of("tcp_buffers", facts).verdict, Verdict::kOk);
  facts.tcp_wmem = Triple{4'096, 262'145, 16'777'216};
  const Finding finding = finding_of("tcp_buffers", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  ASSERT_EQ(finding.sysctls.size(), 1U) << "reading is as it should be";
  EXPECT_EQ(finding.sysctls[0].key, "net.ipv4.tcp_wmem");
  EXPECT_EQ(finding.sysctls[0].value, "4096 16384 16777216");
  facts = good_machine();
  facts.tcp_rmem = Triple{16'385, 131'072, 6'291'456};
  EXPECT_EQ(finding_of("tcp_buffers", facts).sysctls.at(0).key, "net.ipv4.tcp_rmem");
}

TEST(DoctorJudge, huge_pages_for_everybody_are_worth_a_change) {
  Facts facts = good_machine();
  for (const char* chosen : {"madvise", "never"}) {
    facts.huge_pages = chosen;
    EXPECT_EQ(finding_of("huge_pages", facts).verdict, Verdict::kOk);
  }
  facts.huge_pages = "always";
  EXPECT_EQ(finding_of("huge_pages", facts).verdict, Verdict::kChange);
}

TEST(DoctorJudge, slow_clock_is_replaced_where_there_is_a_fast_one) {
  Facts facts = good_machine();
  for (const char* fast : {"tsc", "kvm-clock", "arch_sys_counter"}) {
    facts.clock_source = fast;
    EXPECT_EQ(finding_of("clock_source", facts).verdict, Verdict::kOk);
  }
  facts.clock_source = "acpi_pm";
  facts.clock_sources = {"hpet", "tsc", "acpi_pm"};
  const Finding finding = finding_of("clock_source", facts);
  EXPECT_EQ(finding.verdict, Verdict::kChange);
  EXPECT_EQ(finding.remedies.at(1).text, "clocksource=tsc");
  facts.clock_sources = {"hpet", "acpi_pm"};
  EXPECT_EQ(finding_of("clock_source", facts).verdict, Verdict::kLimit);
  EXPECT_EQ(finding_of("clock_source", facts).connections, std::nullopt);
}

// ---- Together ----

TEST(DoctorReport, good_machine_holds_its_target_and_wants_nothing) {
  const Report report = judge(good_machine(), {.target = 1'000'000});
  for (const Finding& finding : report.findings)
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.id;
  ASSERT_TRUE(report.now && report.after);
  EXPECT_EQ(report.now->connections, 1'048'576U - 256);
  EXPECT_EQ(report.now->id, "open_files");
  EXPECT_EQ(report.after->connections, report.now->connections);
  EXPECT_TRUE(report.target_met());
}

TEST(DoctorReport, target_is_met_by_the_last_connection) {
  const uint64_t held = 1'048'576 - 256;
  EXPECT_TRUE(judge(good_machine(), {.target = held}).target_met());
  EXPECT_FALSE(judge(good_machine(), {.target = held + 1}).target_met());
  EXPECT_TRUE(judge(good_machine(), {}).target_met()) << "nothing was asked for";
}

TEST(DoctorReport, changes_lead_to_what_memory_holds) {
  Facts facts = good_machine();
  facts.open_files_hard = 1'024;
  const Report report = judge(facts, {});
  ASSERT_TRUE(report.now && report.after);
  EXPECT_EQ(report.now->connections, 768U);
  EXPECT_EQ(report.now->id, "open_files");
  EXPECT_EQ(report.after->id, "memory");
  EXPECT_EQ(report.after->connections, find(report, "memory").connections);
  EXPECT_EQ(find(report, "memory").verdict, Verdict::kOk) << "it is as large as it is";
}

TEST(DoctorReport, goal_without_a_target_is_what_is_configured) {
  Facts facts = good_machine();
  facts.open_files_hard = 20'256;
  const auto verdict = [&](uint64_t limit) {
    return find(judge(facts, {.connection_limit = limit}), "open_files").verdict;
  };
  EXPECT_EQ(verdict(20'000), Verdict::kOk);
  EXPECT_EQ(verdict(20'001), Verdict::kChange);
}

TEST(DoctorReport, too_large_a_target_is_not_met_by_any_change) {
  const Report report = judge(good_machine(), {.target = 3'000'000});
  EXPECT_FALSE(report.target_met());
  ASSERT_TRUE(report.after);
  EXPECT_EQ(report.after->id, "memory");
  EXPECT_LT(report.after->connections, 3'000'000U);
  EXPECT_EQ(find(report, "memory").verdict, Verdict::kLimit);
}

TEST(DoctorReport, recommended_settings_leave_nothing_to_change) {
  Facts facts = good_machine();
  facts.open_files_hard = 1'024;
  facts.tcp_mem_pages = Triple{10, 20, 30};
  facts.conntrack_max = 1'000;
  facts.conntrack_count = 5;
  facts.file_max = 10'000;
  const Report before = judge(facts, {});
  const auto value = [&](std::string_view id) {
    return std::stoull(find(before, id).sysctls.at(0).value);
  };
  facts.nr_open = value("nr_open");
  facts.open_files_hard = facts.nr_open;
  facts.file_max = value("file_max");
  facts.conntrack_max = value("conntrack");
  const std::string pages = find(before, "tcp_mem").sysctls.at(0).value;
  (*facts.tcp_mem_pages)[1] = std::stoull(pages.substr(pages.find(' ')));
  const Report after = judge(facts, {});
  for (const Finding& finding : after.findings)
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.id;
  ASSERT_TRUE(before.after && after.now);
  EXPECT_EQ(after.now->connections, before.after->connections);
}

TEST(DoctorReport, nothing_is_guessed_of_an_unknown_machine) {
  const Report report = judge(Facts{}, {.target = 1});
  for (const Finding& finding : report.findings) {
    const bool told = finding.id == "connection_limit";
    EXPECT_EQ(finding.verdict, told ? Verdict::kOk : Verdict::kUnknown) << finding.id;
    EXPECT_EQ(finding.connections, std::nullopt) << finding.id;
    EXPECT_TRUE(finding.sysctls.empty() && finding.remedies.empty()) << finding.id;
  }
  EXPECT_FALSE(report.now);
  EXPECT_FALSE(report.target_met());
}

TEST(DoctorReport, half_known_pairs_are_unknown) {
  const auto unknown = [](std::string_view id, auto forget) {
    Facts facts = good_machine();
    facts.conntrack_max = 5'000;
    facts.conntrack_count = 5;
    facts.overcommit_mode = 2;
    forget(facts);
    return finding_of(id, facts).verdict == Verdict::kUnknown;
  };
  EXPECT_TRUE(unknown("file_max", [](Facts& facts) { facts.files_allocated.reset(); }));
  EXPECT_TRUE(unknown("conntrack", [](Facts& facts) { facts.conntrack_count.reset(); }));
  EXPECT_TRUE(unknown("memory", [](Facts& facts) { facts.memory_total.reset(); }));
  EXPECT_TRUE(unknown("memory_limit", [](Facts& facts) { facts.memory_limit_room.reset(); }));
  EXPECT_TRUE(unknown("overcommit", [](Facts& facts) { facts.committed.reset(); }));
  EXPECT_TRUE(unknown("syn_backlog", [](Facts& facts) { facts.syncookies.reset(); }));
  EXPECT_TRUE(unknown("tcp_buffers", [](Facts& facts) { facts.tcp_wmem.reset(); }));
  EXPECT_TRUE(unknown("cpu", [](Facts& facts) { facts.cpu_quota_millis.reset(); }));
}

TEST(DoctorReport, absurd_wishes_are_no_overflow) {
  const Report report = judge(good_machine(), {.target = UINT64_MAX});
  EXPECT_FALSE(report.target_met());
  EXPECT_EQ(find(report, "open_files").remedies.at(1).text, "ulimit -n 1100000000");
}

}  // namespace
}  // namespace millrace::doctor
