// On machines made of files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "doctor/doctor.h"

namespace millrace::doctor {
namespace {

constexpr uint64_t kMebi = 1024UL * 1024;

class ReadFacts : public testing::Test {
 protected:
  ReadFacts() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace_doctor_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~ReadFacts() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path, std::ios::binary) << text;
  }
  // Something is there, but cannot be read as a file: for root, too.
  void write_unreadable(const std::string& path) const {
    std::filesystem::create_directories(root_ + path);
  }
  Facts read() const { return read_facts(root_); }

 private:
  std::string root_;
};

TEST_F(ReadFacts, machine_without_files_is_unknown_throughout) {
  const Facts facts = read();
  EXPECT_FALSE(facts.kernel);
  EXPECT_FALSE(facts.container);
  EXPECT_FALSE(facts.local_ports);
  EXPECT_FALSE(facts.tcp_mem_pages);
  EXPECT_FALSE(facts.tcp_rmem);
  EXPECT_FALSE(facts.tcp_wmem);
  EXPECT_FALSE(facts.huge_pages);
  EXPECT_FALSE(facts.clock_source);
  for (const Number fact : {facts.open_files_soft,
                            facts.open_files_hard,
                            facts.nr_open,
                            facts.file_max,
                            facts.files_allocated,
                            facts.tw_reuse,
                            facts.somaxconn,
                            facts.syn_backlog,
                            facts.syncookies,
                            facts.conntrack_max,
                            facts.conntrack_count,
                            facts.memory_total,
                            facts.memory_available,
                            facts.memory_limit,
                            facts.memory_limit_room,
                            facts.commit_limit,
                            facts.committed,
                            facts.overcommit_mode,
                            facts.cpus,
                            facts.cpu_quota_millis}) {
    EXPECT_EQ(fact, std::nullopt);
  }
}

TEST_F(ReadFacts, files_are_found_where_linux_has_them) {
  write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  write("/proc/self/limits", "Max open files            1024      4096      files\n");
  write("/proc/sys/fs/nr_open", "1048576\n");
  write("/proc/sys/fs/file-max", "9223372036854775807\n");
  write("/proc/sys/fs/file-nr", "960\t0\t9223372036854775807\n");
  write("/proc/self/status", "Name:\tx\nCpus_allowed:\t0f\nCpus_allowed_list:\t0-3\nMems:\t1\n");
  write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  write("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet \n");
  const Facts facts = read();
  EXPECT_EQ(facts.kernel, (KernelVersion{6, 1}));
  EXPECT_EQ(facts.open_files_soft, 1'024U);
  EXPECT_EQ(facts.open_files_hard, 4'096U);
  EXPECT_EQ(facts.nr_open, 1'048'576U);
  EXPECT_EQ(facts.file_max, uint64_t{INT64_MAX});
  EXPECT_EQ(facts.files_allocated, 960U);
  EXPECT_EQ(facts.cpus, 4U);
  EXPECT_EQ(facts.clock_source, "hpet");
  EXPECT_EQ(facts.clock_sources, (std::vector<std::string>{"tsc", "hpet"}));
}

TEST_F(ReadFacts, network_settings_are_read) {
  write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  write("/proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
  write("/proc/sys/net/core/somaxconn", "4096\n");
  write("/proc/sys/net/ipv4/tcp_max_syn_backlog", "512\n");
  write("/proc/sys/net/ipv4/tcp_syncookies", "1\n");
  write("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
  write("/proc/sys/net/ipv4/tcp_rmem", "4\t5\t6\n");
  write("/proc/sys/net/ipv4/tcp_wmem", "7\t8\t9\n");
  write("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  write("/proc/sys/net/netfilter/nf_conntrack_count", "17\n");
  const Facts facts = read();
  ASSERT_TRUE(facts.local_ports);
  EXPECT_EQ(facts.local_ports->high, 60'999U);
  EXPECT_EQ(facts.tw_reuse, 2U);
  EXPECT_EQ(facts.somaxconn, 4'096U);
  EXPECT_EQ(facts.syn_backlog, 512U);
  EXPECT_EQ(facts.syncookies, 1U);
  EXPECT_EQ(facts.tcp_mem_pages, (Triple{1, 2, 3}));
  EXPECT_EQ(facts.tcp_rmem, (Triple{4, 5, 6}));
  EXPECT_EQ(facts.tcp_wmem, (Triple{7, 8, 9}));
  EXPECT_EQ(facts.conntrack_max, 262'144U);
  EXPECT_EQ(facts.conntrack_count, 17U);
}

TEST_F(ReadFacts, connection_tracking_that_is_not_loaded_is_no_limit) {
  write("/proc/sys/net/core/somaxconn", "4096\n");
  EXPECT_EQ(read().conntrack_max, kNoLimit);
}

TEST_F(ReadFacts, connection_tracking_that_cannot_be_read_is_unknown) {
  write_unreadable("/proc/sys/net/netfilter/nf_conntrack_max");
  EXPECT_EQ(read().conntrack_max, std::nullopt);
}

TEST_F(ReadFacts, garbage_is_unknown) {
  write("/proc/sys/fs/nr_open", "lots\n");
  write("/proc/sys/fs/file-nr", "1 2\n");
  write("/proc/meminfo", "MemTotal: 5 pages\nMemAvailable: 1024 kB\n");
  write("/proc/self/status", "Cpus_allowed_list:\tall\n");
  write("/sys/kernel/mm/transparent_hugepage/enabled", "always\n");
  write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "two words\n");
  const Facts facts = read();
  EXPECT_EQ(facts.nr_open, std::nullopt);
  EXPECT_EQ(facts.files_allocated, std::nullopt);
  EXPECT_EQ(facts.memory_total, std::nullopt);
  EXPECT_EQ(facts.memory_available, 1'024U * 1024);
  EXPECT_EQ(facts.cpus, std::nullopt);
  EXPECT_EQ(facts.huge_pages, std::nullopt);
  EXPECT_EQ(facts.clock_source, std::nullopt);
}

TEST_F(ReadFacts, memory_is_read) {
  write("/proc/meminfo",
        "MemTotal: 4096 kB\nMemAvailable: 2048 kB\nCommitLimit: 1024 kB\nCommitted_AS: 512 kB\n");
  write("/proc/sys/vm/overcommit_memory", "2\n");
  write("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  const Facts facts = read();
  EXPECT_EQ(facts.memory_total, 4 * kMebi);
  EXPECT_EQ(facts.memory_available, 2 * kMebi);
  EXPECT_EQ(facts.commit_limit, 1 * kMebi);
  EXPECT_EQ(facts.committed, kMebi / 2);
  EXPECT_EQ(facts.overcommit_mode, 2U);
  EXPECT_EQ(facts.huge_pages, "always");
}

// ---- Control groups ----

TEST_F(ReadFacts, tightest_group_of_version_2_counts) {
  write("/proc/self/cgroup", "0::/system.slice/millrace.service\n");
  const std::string slice = "/sys/fs/cgroup/system.slice";
  write(slice + "/millrace.service/memory.max", std::to_string(100 * kMebi));
  write(slice + "/millrace.service/memory.current", std::to_string(30 * kMebi));
  write(slice + "/millrace.service/memory.stat",
        "anon 5\ninactive_file " + std::to_string(20 * kMebi) + "\n");
  write(slice + "/millrace.service/cpu.max", "max 100000\n");
  write(slice + "/memory.max", std::to_string(500 * kMebi));
  write(slice + "/memory.current", std::to_string(440 * kMebi));
  write(slice + "/cpu.max", "250000 100000\n");
  const Facts facts = read();
  EXPECT_EQ(facts.memory_limit, 100 * kMebi);
  EXPECT_EQ(facts.memory_limit_room, 60 * kMebi) << "the slice has less left than the service";
  EXPECT_EQ(facts.cpu_quota_millis, 2'500U);
}

TEST_F(ReadFacts, group_without_limit_has_none) {
  write("/proc/self/cgroup", "0::/a\n");
  write("/sys/fs/cgroup/a/memory.max", "max\n");
  write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  const Facts facts = read();
  EXPECT_EQ(facts.memory_limit, kNoLimit);
  EXPECT_EQ(facts.memory_limit_room, kNoLimit);
  EXPECT_EQ(facts.cpu_quota_millis, kNoLimit);
}

TEST_F(ReadFacts, version_1_has_files_of_its_own) {
  write("/proc/self/cgroup", "4:memory:/b\n3:cpu,cpuacct:/b\n0::/\n");
  write("/sys/fs/cgroup/memory/b/memory.limit_in_bytes", std::to_string(64 * kMebi));
  write("/sys/fs/cgroup/memory/b/memory.usage_in_bytes", std::to_string(16 * kMebi));
  write("/sys/fs/cgroup/memory/b/memory.stat",
        "inactive_file 0\ntotal_inactive_file " + std::to_string(4 * kMebi) + "\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "50000\n");
  write("/sys/fs/cgroup/cpu/b/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  const Facts facts = read();
  EXPECT_EQ(facts.memory_limit, 64 * kMebi);
  EXPECT_EQ(facts.memory_limit_room, 52 * kMebi);
  EXPECT_EQ(facts.cpu_quota_millis, 500U);
}

TEST_F(ReadFacts, container_sees_its_own_group_as_the_root) {
  write("/proc/self/cgroup", "0::/docker/0123456789ab\n");
  write("/sys/fs/cgroup/memory.max", std::to_string(64 * kMebi));
  write("/sys/fs/cgroup/memory.current", "0\n");
  EXPECT_EQ(read().memory_limit_room, 64 * kMebi);
  write("/proc/self/cgroup", "0::/../other\n");
  EXPECT_EQ(read().memory_limit_room, 64 * kMebi);
}

TEST_F(ReadFacts, group_that_cannot_be_read_makes_the_limit_unknown) {
  write("/proc/self/cgroup", "0::/a\n");
  write("/sys/fs/cgroup/a/memory.max", std::to_string(64 * kMebi));
  EXPECT_EQ(read().memory_limit, 64 * kMebi);
  EXPECT_EQ(read().memory_limit_room, std::nullopt) << "what is in use is not known";
  write("/sys/fs/cgroup/a/memory.max", "some\n");
  EXPECT_EQ(read().memory_limit, std::nullopt);
  write_unreadable("/sys/fs/cgroup/cpu.max");
  EXPECT_EQ(read().cpu_quota_millis, std::nullopt);
}

TEST_F(ReadFacts, containers_are_known_by_their_marks) {
  write("/run/.containerenv", "");
  EXPECT_TRUE(read().container);
}

TEST_F(ReadFacts, containers_of_docker_are_known_by_their_mark) {
  write("/.dockerenv", "");
  EXPECT_TRUE(read().container);
}

TEST(ReadThisMachine, has_files_memory_and_cpus) {
  const Facts facts = read_facts();
  EXPECT_TRUE(facts.open_files_hard);
  EXPECT_TRUE(facts.memory_available);
  ASSERT_TRUE(facts.cpus);
  EXPECT_GT(*facts.cpus, 0U);
}

}  // namespace
}  // namespace millrace::doctor
