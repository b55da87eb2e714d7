# frozen_string_literal: true

require_relative "../plan"

module Bench
  module Processes
    # Which servers bench/processes has take turns, and what is asked of them.
    class Plan
      APP = "bench/apps/processes.ru"
      RAILS = Bench::Plan::RAILS
      # Settings of Kino.
      WARM = "examples/rails-hello/kino.rb"
      REFORK = "bench/apps/refork.rb"
      SERVERS = %w[kino-2 kino-1 puma-2 kino-4 kino-4-warm kino-4-refork puma-4 kino-queue].freeze

      ABOUT = ["/about", /"rails":/].freeze
      # Name, path, what the answer must be, connections, servers.
      LOADS = [["rails", *ABOUT, 32, %w[kino-2 kino-1 puma-2]], ["rails-few", *ABOUT, 10, %w[kino-2 kino-1 puma-2]],
               ["plaintext", "/plaintext", "Hello, World!", 32, %w[kino-2 kino-1]]].freeze

      # @param interpreter [Interpreter]
      # @param servers [Array<String>] names of those that take part
      def initialize(interpreter, servers)
        @interpreter = interpreter
        @servers = servers
      end

      # @return [Array<Bench::Plan::Group>]
      def groups
        LOADS.map do |name, path, body, connections, servers|
          contenders = servers.map { |server| load_contender(server, name) }
          Bench::Plan::Group.new(contenders, [Bench::Plan::Endpoint.new(name, path, body)], connections)
        end
      end

      # @return [Array<Bench::Plan::Contender>] whose memory is measured
      def memory
        kinos = { "kino-4" => "-", "kino-4-warm" => WARM, "kino-4-refork" => REFORK }.map do |name, file|
          kino(name, RAILS, 5, processes: 4, file: file)
        end
        chosen(*kinos, puma("puma-4", RAILS, 5, processes: 4))
      end

      # @param app [String] a rackup file
      # @return [Bench::Plan::Contender, nil] whose processes are killed
      def mortal(app) = chosen(kino("kino-4", app, 5, processes: 4)).first

      # Four threads each, on the same cores: only who takes which request differs, and one of them has one queue for
      # all.
      # @return [Array<Bench::Plan::Contender>] whose load is to be even
      def even
        chosen(kino("kino-4", APP, 1, processes: 4), kino("kino-queue", APP, 4),
               puma("puma-4", APP, 1, processes: 4))
      end

      # @return [Bench::Plan::Contender, nil] whose clients are to spread
      def spreading = chosen(kino("kino-2", APP, 5, processes: 2)).first

      private

      def chosen(*contenders) = contenders.select { |contender| @servers.include?(contender.name) }

      def load_contender(name, load)
        kind, processes = name.split("-")
        app, threads = load == "plaintext" ? [APP, 6] : [RAILS, 5]
        make = kind == "kino" ? method(:kino) : method(:puma)
        make.call(name, app, threads, processes: Integer(processes))
      end

      def kino(name, app, threads, processes: 1, file: "-")
        command = lambda do |port|
          [*@interpreter.command, "exe/kino", "-C", file, "-b", "tcp://127.0.0.1:#{port}", "-m", "threaded", "-w",
           "1", "-t", threads.to_s, "--processes", processes.to_s, app]
        end
        Bench::Plan::Contender.new(name, "#{processes}x#{threads}", command, nil)
      end

      def puma(name, app, threads, processes:)
        command = lambda do |port|
          [*@interpreter.puma_command, "-C", "-", "-b", "tcp://127.0.0.1:#{port}", "-w", processes.to_s, "--preload",
           "-t", "#{threads}:#{threads}", app]
        end
        Bench::Plan::Contender.new(name, "#{processes}x#{threads}", command, nil)
      end
    end
  end
end
