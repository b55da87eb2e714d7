# frozen_string_literal: true

require "fileutils"
require "kino/configuration"
require "tmpdir"

RSpec.describe Kino::Configuration::Cpus do
  # A machine with these files; the CPUs this process may use there.
  def count(allowed, files)
    Dir.mktmpdir do |root|
      files.each do |path, text|
        FileUtils.mkdir_p(File.join(root, File.dirname(path)))
        File.write(File.join(root, path), "#{text}\n")
      end
      described_class.new(root, allowed: allowed).count
    end
  end

  it "is what the scheduler allows where there are no cgroups" do
    expect(count(6, {})).to eq(6)
  end

  it "honours this process's affinity", if: RUBY_PLATFORM.include?("linux") do
    script = "require 'kino/configuration'; print Kino::Configuration::Cpus.new('/nowhere').count"
    lib = File.expand_path("../../../lib", __dir__)

    expect(IO.popen(["taskset", "-c", "0", RbConfig.ruby, "-I#{lib}", "-e", script], &:read)).to eq("1")
  end

  describe "with cgroup v2" do
    it "is the quota, rounded up" do
      quotas = { "200000 100000" => 2, "150000 100000" => 2, "10000 100000" => 1, "50000 10000" => 5 }

      quotas.each do |max, cpus|
        expect(count(8, "proc/self/cgroup" => "0::/", "sys/fs/cgroup/cpu.max" => max)).to eq(cpus)
      end
    end

    it "is what the scheduler allows where there is no quota, or a larger one" do
      ["max 100000", "1600000 100000", "nonsense", "0 0"].each do |max|
        expect(count(8, "proc/self/cgroup" => "0::/", "sys/fs/cgroup/cpu.max" => max)).to eq(8)
      end
    end

    it "is the smallest quota on the way up" do
      expect(count(8, "proc/self/cgroup" => "0::/a/b", "sys/fs/cgroup/a/b/cpu.max" => "max 100000",
                      "sys/fs/cgroup/a/cpu.max" => "300000 100000",
                      "sys/fs/cgroup/cpu.max" => "600000 100000")).to eq(3)
    end

    it "is the container's quota where its own part of the tree is mounted, but the host's path is told" do
      expect(count(8, "proc/self/cgroup" => "0::/docker/abc", "sys/fs/cgroup/cpu.max" => "200000 100000")).to eq(2)
    end

    it "doesn't look outside the tree for a path that climbs" do
      expect(count(8, "proc/self/cgroup" => "0::/../../other", "sys/other/cpu.max" => "100000 100000",
                      "sys/fs/cgroup/cpu.max" => "400000 100000")).to eq(4)
    end

    it "knows the tree beside v1's, where it has the quota" do
      expect(count(8, "proc/self/cgroup" => "1:cpuset:/\n0::/x",
                      "sys/fs/cgroup/unified/x/cpu.max" => "200000 100000")).to eq(2)
    end
  end

  describe "with cgroup v1" do
    let(:membership) { { "proc/self/cgroup" => "5:memory:/x\n4:cpuset:/x\n3:cpuacct,cpu:/x\n2:cpuacct:/x" } }

    def quota(folder, quota, period = 100_000)
      { "sys/fs/cgroup/#{folder}/cpu.cfs_quota_us" => quota, "sys/fs/cgroup/#{folder}/cpu.cfs_period_us" => period }
    end

    it "is the quota, rounded up, wherever the controller is mounted" do
      expect(count(8, membership.merge(quota("cpu/x", 250_000)))).to eq(3)
      expect(count(8, membership.merge(quota("cpuacct,cpu/x", 250_000)))).to eq(3)
    end

    it "is what the scheduler allows where there is no quota" do
      expect(count(8, membership.merge(quota("cpu/x", -1)))).to eq(8)
    end

    it "is the container's quota where the host's path is told" do
      expect(count(8, membership.merge(quota("cpu", 200_000)))).to eq(2)
    end
  end
end
