# frozen_string_literal: true

require_relative "../server"
require_relative "../wrk"
require_relative "plan"

module Bench
  module Processes
    # What servers of Rails hold after so many requests, each alone: pages that two of them share would count half for
    # both.
    class Memory
      # @!attribute pss_mib [Float] of the whole process tree
      # @!attribute idle_mib [Float] the same before the first request
      # @!attribute own_mib [Float] what a serving process has written to, and shares with none: the median of all
      # @!attribute others_mib [Float] the same of all that don't serve, together
      # @!attribute requests [Integer] answered
      Sample = Data.define(:pss_mib, :idle_mib, :own_mib, :others_mib, :requests)

      # Asked in turns: a page with a template, a session and a token, and one without.
      PATHS = { "/" => /Rails/, Plan::ABOUT.first => Plan::ABOUT.last }.freeze
      SERVES = /process \d+ of|cluster worker/
      CONNECTIONS = 32
      # Seconds of each turn.
      TURN = 1
      # Seconds for what was begun to come to its end.
      REST = 1

      # @return [Array<String>] what went wrong without ending the run
      attr_reader :faults

      # @param requests [Integer]
      def initialize(requests)
        @requests = requests
        @faults = []
      end

      # @param contender [Bench::Plan::Contender]
      # @return [Sample]
      def measure(contender)
        server = Server.start(contender.name, &contender.command).await
        sleep REST # all processes are there
        idle = server.tree.pss_kib
        PATHS.each { |path, body| server.expect(path, body) }
        served = load(server)
        sleep REST
        sample(server.tree, idle, served)
      ensure
        server&.stop
      end

      private

      def load(server)
        served = 0
        PATHS.keys.cycle do |path|
          return served if served >= @requests

          run = Wrk.run(server.url(path), seconds: TURN, connections: CONNECTIONS)
          run.faults.each { |fault| @faults << "memory, #{server.name}: #{fault}" }
          served += run.requests
        end
      end

      def sample(tree, idle, served)
        serving, others = tree.private_kib.partition { |pid, _| tree.titles[pid]&.match?(SERVES) }
        own = serving.map(&:last).sort
        Sample.new(pss_mib: tree.pss_kib / 1024.0, idle_mib: idle / 1024.0, own_mib: own[own.size / 2].to_i / 1024.0,
                   others_mib: others.sum(&:last) / 1024.0, requests: served)
      end
    end
  end
end
