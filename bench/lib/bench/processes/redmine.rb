# frozen_string_literal: true

require "open3"
require_relative "../../../../spec/long/redmine_app"
require_relative "../plan"

module Bench
  module Processes
    # Debian's Redmine, an application of many people's work, whose pages take 10 ms and more: as its package has it,
    # with SQLite and 200 issues, in a folder of its own.
    class Redmine
      # Name, path, what the answer must be.
      PAGES = [["redmine-login", "/login", /Redmine/], ["redmine-issues", "/projects/tea/issues", /Issue 199/]].freeze
      CONNECTIONS = 10
      SERVERS = %w[kino-2 kino-1 puma-2].freeze
      THREADS = 5
      private_constant :THREADS

      # Fetches it where that was not done before, and sets it up: a minute.
      #
      # @return [Redmine, nil] nil where it is not to be had, which is said
      def self.make
        new(RedmineApp.make)
      rescue DebianPackages::Missing => error
        Bench.say "Redmine is not measured: #{error.message}"
      end

      # @param app [RedmineApp]
      def initialize(app)
        @app = app
        at_exit { app.remove }
        File.write("#{app.folder}/Gemfile.local", "gem \"kino\", path: #{ROOT.dump}\n", mode: "a")
        Bench.say "Setting Redmine up"
        app.prepare { |*command| run(command) }
      end

      # @param servers [Array<String>] names of those that take part
      # @return [Bench::Plan::Group]
      def group(servers)
        contenders = (SERVERS & servers).map do |name|
          kind, processes = name.split("-")
          command = ->(port) { [*environment, "bundle", "exec", *send(kind, port, processes), "config.ru"] }
          Bench::Plan::Contender.new(name, "#{processes}x#{THREADS}", command, nil)
        end
        Bench::Plan::Group.new(contenders, PAGES.map { |page| Bench::Plan::Endpoint.new(*page) }, CONNECTIONS)
      end

      private

      def kino(port, processes)
        ["kino", "-C", "-", "-b", "tcp://127.0.0.1:#{port}", "-m", "threaded", "-t", THREADS.to_s,
         "--processes", processes]
      end

      def puma(port, processes)
        ["puma", "-C", "-", "-b", "tcp://127.0.0.1:#{port}", "-w", processes, "--preload",
         "-t", "#{THREADS}:#{THREADS}"]
      end

      # `env` becomes what it starts. The bundle is Redmine's.
      def environment
        own = { **@app.environment, "BUNDLE_GEMFILE" => "#{@app.folder}/Gemfile", "RUBYOPT" => nil }
        none, some = own.partition { |_, value| value.nil? }
        ["env", "-C", @app.folder, *none.flat_map { |name, _| ["-u", name] }, *some.map { |pair| pair.join("=") }]
      end

      def run(command)
        out, status = Open3.capture2e(*environment, *command)
        return if status.success?

        raise Problem, "Redmine can't be set up, #{command.join(" ")[0, 60]}:\n#{out[-400..] || out}"
      end
    end
  end
end
