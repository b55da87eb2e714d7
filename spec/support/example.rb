# frozen_string_literal: true

require "json"
require "rbconfig"
require_relative "kino_process"

# `bundle exec kino` in a folder of examples/, as its README says; without `bundle exec` where the specs run without.
module Example
  # Where all of it is.
  CHECKOUT = File.expand_path("../..", __dir__)
  # How Ruby finds gems: with Bundler, where the specs do, else with what they have been given.
  RUBY = [RbConfig.ruby,
          *(defined?(Bundler) ? ["-S", "bundle", "exec", RbConfig.ruby] : "-I#{KinoProcess::LIB}")].freeze

  class << self
    # Serves it on a port of the system's choice.
    def start(name, *arguments) = run(name, KinoProcess::KINO, "-b", "tcp://127.0.0.1:0", *arguments)

    # Runs a Ruby program there, `kino` or one of the example's own.
    def run(name, program, *arguments, env: {})
      environment = KinoProcess::UNSET.merge("BUNDLE_GEMFILE" => File.join(CHECKOUT, "Gemfile")).merge(env)
      KinoProcess.new([*RUBY, program, *arguments], env: environment, chdir: folder(name))
    end

    # What it said on standard error, but for Ruby's own word, said once, that ractors are experimental.
    def complaints(process) = process.err.sub(/^.*: warning: Ractor .*experimental.*\n/, "")

    # What `kino --check --format json` says of it: the exit status, and the report.
    def check(name, *arguments)
      process = run(name, KinoProcess::KINO, "--check", "--format", "json", *arguments)
      [process.status, JSON.parse(process.out, symbolize_names: true)]
    ensure
      process.kill
    end

    private

    def folder(name) = File.join(CHECKOUT, "examples", name)
  end
end
