# frozen_string_literal: true

require_relative "../problem"
require_relative "client"

module Bench
  module Soak
    # Client processes, and what comes back from them.
    class Crew
      # Seconds without any progress after which the run is given up: more than a client waits for an answer on each of
      # its connections.
      STALLED = 200

      # @param clients [Integer] processes
      # @param client [Hash{Symbol => Object}] what each {Client} is told besides its number
      def initialize(clients, client)
        @clients = clients
        @client = client
      end

      # @param goal [Goal]
      # @yieldparam done [Integer] requests made so far
      # @return [Client::Tally] of all clients
      # @raise [Problem] when nothing moves any more
      def run(goal, &)
        @members = Array.new(@clients) { |number| enlist(number, goal) }.to_h
        tallies = listen(@members.values, &)
        raise Problem, "#{@clients - tallies.size} of #{@clients} clients died" if tallies.size < @clients

        tallies.reduce { |all, one| add(all, one) }
      ensure
        dismiss
      end

      private

      # @return [Array(Integer, IO)] process id and where it reports
      def enlist(number, goal)
        reader, writer = IO.pipe(binmode: true)
        pid = fork do
          trap("INT", "IGNORE") # Ctrl-C reaches the whole terminal; the parent decides
          trap("TERM", "DEFAULT")
          reader.close
          client = Client.new(number, **@client)
          tally = client.run(->(done) { goal.reached?(done, @clients) }) { |count| Marshal.dump(count, writer) }
          Marshal.dump(tally, writer)
          writer.close
        ensure
          exit!(true) # the parent's own ensure blocks, which end the server, are not for a child
        end
        writer.close
        [pid, reader]
      end

      def listen(readers)
        done = 0
        tallies = []
        until readers.empty?
          ready, = IO.select(readers, nil, nil, STALLED)
          raise Problem, "no answer for #{STALLED} s, after #{done} requests" unless ready

          ready.each do |reader|
            case (news = hear(reader))
            when Integer then yield done += news
            when Client::Tally then tallies << news
            else readers.delete(reader)
            end
          end
        end
        tallies
      end

      def hear(reader)
        Marshal.load(reader)
      rescue EOFError
        nil
      end

      def add(all, one)
        counts, *rest = all.to_a.zip(one.to_a)
        Client::Tally.new(counts.reduce { |left, right| left.merge(right) { |_, one_, other| one_ + other } },
                          *rest.map { |left, right| left + right })
      end

      def dismiss
        @members&.each do |pid, reader|
          reader.close
          Process.kill("TERM", pid)
          Process.wait(pid)
        end
      end
    end
  end
end
