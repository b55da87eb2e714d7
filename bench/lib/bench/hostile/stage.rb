# frozen_string_literal: true

require "json"
require_relative "../server"
require_relative "../soak/counters"
require_relative "log"
require_relative "scene"

module Bench
  module Hostile
    # Plays each scene on a server of its own, which is as the scene's clients need it.
    class Stage
      APP = "bench/apps/hostile.ru"
      HOST = "bench/lib/bench/soak/host.rb"
      # Requests after which what is made once is there.
      WARM_UP = 10

      # @param interpreter [Interpreter]
      # @param settings [Hash{Symbol => Object}] Kino's
      def initialize(interpreter, settings)
        @interpreter = interpreter
        @settings = settings
      end

      # @param crowd [Class]
      # @param count [Integer] of clients
      # @return [Scene::Result]
      def play(crowd, count)
        kino = crowd.settings(@settings)
        Log.open(crowd::LOG) do |streams|
          Soak::Counters.file do |path|
            server = start(kino, path, crowd::SPAWN, streams).await
            WARM_UP.times { ["/", "/big"].each { |asked| server.get(asked) } }
            Scene.new(server, Soak::Counters.new(server, path), kino).play(crowd, count)
          ensure
            server&.stop
          end
        end
      end

      private

      def start(kino, path, options, streams)
        # Where it is about the log, all is said that there is to say.
        talkative = streams.empty? ? [] : %w[env KINO_LOG=debug]
        Server.start("kino", **options, **streams) do |port|
          [*talkative, *@interpreter.command, HOST,
           JSON.generate(app: APP, counters: path, stress: false, port: port, **kino)]
        end
      end
    end
  end
end
