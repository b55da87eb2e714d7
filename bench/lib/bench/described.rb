# frozen_string_literal: true

require "shellwords"
require "yaml"
require_relative "server"
require_relative "wrk"

module Bench
  # A server that somebody has described in a file, to be measured beside the others; bench/README.md says how.
  class Described
    # What a file may say, and what it has to.
    KEYS = %w[name size command environment ready endpoints].freeze
    NEEDED = %w[name command].freeze

    attr_reader :name, :size, :endpoints

    # @param path [String]
    # @return [Described]
    # @raise [Problem] when the file can't be read, or says what means nothing
    def self.read(path)
      given = YAML.safe_load_file(path)
      raise Problem, "#{path}: it is to have keys and values, such as name: falcon" unless given.is_a?(Hash)

      unknown = given.keys - KEYS
      raise Problem, "#{path}: #{unknown.first} means nothing; allowed are #{KEYS.join(", ")}" unless unknown.empty?

      missing = NEEDED - given.compact.keys
      raise Problem, "#{path}: #{missing.first} is missing" unless missing.empty?

      new(path, given)
    rescue Psych::Exception => e
      raise Problem, "#{path}: #{e.message}"
    rescue SystemCallError => e
      raise Problem, "#{path} can't be read: #{e.message}"
    end

    # @param path [String] where it is described, for errors
    # @param given [Hash{String => Object}]
    def initialize(path, given)
      @path = path
      @name = given["name"].to_s
      @size = given.fetch("size", "as described").to_s
      @command = given["command"].to_s
      @environment = given.fetch("environment", {}).to_h { |name, value| [name.to_s, value.to_s] }
      @ready = given.fetch("ready", "/").to_s
      @endpoints = given["endpoints"]
      fill(0, "", 0)
    end

    # As many threads as the others of a group have, and their app.
    #
    # @param app [String]
    # @param threads [Integer]
    # @return [Described]
    def for(app, threads) = dup.tap { |it| it.serves(app, threads) }

    # @return [Server] one that may not be up yet
    def start = Server.start(@name, ready: @ready) { |port| fill(port, @app, @threads) }

    # @param _endpoint [Plan::Endpoint]
    # @return [#run] what asks for it, as {Wrk.run}
    def load(_endpoint) = Wrk

    protected

    def serves(app, threads)
      @app = app
      @threads = threads
    end

    private

    def fill(port, app, threads)
      words = Shellwords.split(format(@command, port: port, app: app, threads: threads))
      @environment.empty? ? words : ["env", *@environment.map { |pair| pair.join("=") }, *words]
    rescue KeyError, ArgumentError => e
      raise Problem, "#{@path}: command: #{e.message}; it may have %{port}, %{app} and %{threads}, and %% for a %"
    end
  end
end
