# frozen_string_literal: true

require "etc"

module Kino
  class Configuration
    # How many CPUs this process may use: what the scheduler allows it (affinity, `taskset`, cpusets) and, in a
    # container, what its cgroup's quota pays for.
    #
    # @api private
    class Cpus
      # @param root [String] the folder that has `proc` and `sys`
      # @return [Integer] at least 1
      def self.count(root: "/") = new(root).count

      # @param root [String] the folder that has `proc` and `sys`
      # @param allowed [Integer] CPUs the scheduler allows; Ruby's count honours the affinity
      def initialize(root = "/", allowed: Etc.nprocessors)
        @root = root
        @allowed = allowed
      end

      # A quota is rounded up: half a CPU still needs a worker.
      #
      # @return [Integer] at least 1
      def count = [@allowed, *quotas.map(&:ceil)].min.clamp(1..)

      private

      # A parent's quota binds its children too, so every level up to the mount point counts. Where a container sees
      # the host's path but only its own part of the tree, the mount point is its own cgroup.
      def quotas
        memberships.flat_map do |mounts, path, reader|
          mounts.flat_map { |mount| levels(path).filter_map { |level| send(reader, File.join(mount, level)) } }
        end
      end

      # Where this process stands in the cgroup trees that share out CPU time: mount points, path, reader.
      def memberships
        lines(File.join(@root, "proc/self/cgroup")).filter_map do |line|
          id, controllers, path = line.split(":", 3)
          if id == "0" && controllers == "" then [mounts("", "unified"), path, :unified_quota]
          elsif controllers.to_s.split(",").include?("cpu") then [mounts("cpu", controllers), path, :legacy_quota]
          end
        end
      end

      def mounts(*names) = names.uniq.map { |name| File.join(@root, "sys/fs/cgroup", name) }

      # "/a/b" has the levels "/a/b", "/a" and "/". A path that climbs lies outside what this process can see.
      def levels(path)
        parts = path.split("/").reject(&:empty?)
        parts = [] if parts.include?("..")
        parts.size.downto(0).map { |size| "/#{parts.first(size).join("/")}" }
      end

      # cgroup v2: "max 100000", or the microseconds paid for in each period.
      def unified_quota(folder)
        quota, period = lines(File.join(folder, "cpu.max")).first.to_s.split
        ratio(quota, period)
      end

      # cgroup v1: the same in two files, where -1 is no quota.
      def legacy_quota(folder)
        quota, period = %w[quota period].map { |name| lines(File.join(folder, "cpu.cfs_#{name}_us")).first }
        ratio(quota, period)
      end

      def ratio(quota, period)
        quota, period = [quota, period].map { |text| Integer(text.to_s, 10, exception: false) }
        Rational(quota, period) if quota&.positive? && period&.positive?
      end

      def lines(path)
        File.readlines(path, chomp: true)
      rescue SystemCallError
        []
      end
    end
  end
end
