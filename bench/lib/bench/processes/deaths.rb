# frozen_string_literal: true

require_relative "../server"
require_relative "../wrk"
require_relative "plan"

module Bench
  module Processes
    # How long the place of a process that was killed is empty.
    class Deaths
      # Where the app tells who answers, that is asked; of Rails it is the title that a process has once it serves.
      WAYS = { "plain app, idle" => [Plan::APP, 0], "rails, idle" => [Plan::RAILS, 0],
               "rails, 10 clients at full speed" => [Plan::RAILS, 10] }.freeze
      SERVES = /process \d+ of(?! \d+, booting)/
      # Seconds between two: a process that dies within a second of its start may have its successor wait.
      PAUSE = 1.5
      # Seconds after which it counts as lost.
      PATIENCE = 10

      # @!attribute p50 [Float] milliseconds
      # @!attribute max [Float] milliseconds
      # @!attribute tries [Integer]
      Sample = Data.define(:p50, :max, :tries)

      # @param plan [Plan]
      # @param tries [Integer] of each way
      def initialize(plan, tries)
        @plan = plan
        @tries = tries
      end

      # @return [Hash{String => Sample}] by way
      def measure
        WAYS.to_h { |way, (app, clients)| [way, sample(app, clients)] }.compact
      end

      private

      def sample(app, clients)
        contender = @plan.mortal(app) or return
        server = Server.start(contender.name, &contender.command).await
        under(server, clients) do
          times = Array.new(@tries) do
            sleep PAUSE
            kill_one(server, app)
          end
          times.sort!
          Sample.new(p50: times[times.size / 2], max: times.last, tries: times.size)
        end
      ensure
        server&.stop
      end

      # As long as the block runs.
      def under(server, clients)
        if clients.positive?
          load = Process.spawn("wrk", "-t1", "-c#{clients}", "-d600s", server.url("/about"), out: File::NULL)
        end
        yield
      ensure
        if load
          Process.kill("INT", load)
          Process.wait(load)
        end
      end

      # @return [Float] milliseconds
      def kill_one(server, app)
        there = serving(server)
        gone = there.keys.sample
        began = Bench.now
        Process.kill("KILL", gone)
        until app == Plan::APP ? newcomer_answers?(server, there) : taken?(server, there, gone)
          raise Problem,
                "a process was killed, and none took its place:\n#{server.log_end}" if Bench.now - began > PATIENCE

          sleep 0.001
        end
        (Bench.now - began) * 1000
      end

      def serving(server) = server.tree.titles.select { |_, title| title.match?(SERVES) }

      def newcomer_answers?(server, there)
        pid = server.get("/").last.to_i
        pid.positive? && !there.key?(pid)
      rescue SystemCallError, IOError
        false # it was with the killed
      end

      def taken?(server, there, gone)
        place = there.fetch(gone)[SERVES]
        serving(server).any? { |pid, title| pid != gone && !there.key?(pid) && title.include?(place) }
      end
    end
  end
end
