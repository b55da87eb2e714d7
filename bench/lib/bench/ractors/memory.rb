# frozen_string_literal: true

require_relative "../server"
require_relative "../wrk"
require_relative "plan"

module Bench
  module Ractors
    # What servers hold after load, each alone: pages that two of them share would count half for both.
    module Memory
      # @!attribute pss_mib [Float] of the whole process tree
      Sample = Data.define(:pss_mib)
      # Seconds for the servers that were up before to be gone, and for a garbage collection to come to its end.
      REST = 0.5

      module_function

      # @param contender [Bench::Plan::Contender]
      # @param seconds [Integer] of load on each endpoint
      # @return [Sample]
      def measure(contender, seconds)
        server = Server.start(contender.name, &contender.command).await
        Plan::LOADS.each do |endpoint, (connections, _)|
          server.expect(endpoint.path, endpoint.body)
          Wrk.run(server.url(endpoint.path), seconds: seconds, connections: connections)
        end
        sleep REST
        Sample.new(pss_mib: server.tree.pss_kib / 1024.0)
      ensure
        server&.stop
      end
    end
  end
end
