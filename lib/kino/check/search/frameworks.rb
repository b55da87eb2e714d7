# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../output/report"
require_relative "../parser/source"

module Kino
  module Check
    # Frameworks that keep an app out of ractors by the way they work, whatever the app does: what they hold inside is
    # no help to anybody, so the cause is named in its place.
    #
    # @api private
    module Frameworks
      # The same for each app that is served by threads.
      THREADS = "serve it with `mode :threaded`, which is what `:auto` does, and `processes` for more cores"
      private_constant :THREADS

      module_function

      # @param object [BasicObject] something on the way from the server to the app
      # @param path [String] the way to it
      # @return [Finding, nil] nil where it is of none
      def finding(object, path)
        sinatra(sinatra_class(object), path) || roda(roda_class(object), path, is_block: Proc === object)
      end

      # `run MyApp`, `run MyApp.new`, and MyApp as a middleware.
      def sinatra_class(object)
        return unless defined?(::Sinatra::Base)
        return object if Class === object && object <= ::Sinatra::Base
        return Describe.class_of(object) if ::Sinatra::Base === object

        object.settings if defined?(::Sinatra::Wrapper) && ::Sinatra::Wrapper === object
      end

      def sinatra(app, path)
        return unless app

        Finding.new(kind: :sinatra, path: path, type: Describe.module_name(app),
                    value: "Sinatra #{::Sinatra::VERSION}", where: nil, cure: THREADS,
                    why: "Sinatra makes a method of each route's block, which only the ractor that made it may call, " \
                         "and keeps routes, settings and the app itself in variables of the class, which it reads " \
                         "and sets while requests run")
      end

      # `run MyApp.app` is a block of the class's; `run MyApp` with its plugin direct_call the class itself.
      def roda_class(object)
        return unless defined?(::Roda)

        object = object.binding.receiver if Proc === object && !object.source_location.nil?
        object if Class === object && object <= ::Roda
      rescue ArgumentError
        nil # a proc that is made of no block
      end

      def roda(app, path, is_block:)
        shareable = app.nil? || ::Ractor.shareable?(app.route_block)
        return if app.nil? || (shareable && !is_block)

        why = "Roda makes a method of the route block, which only the ractor that made it may call" unless shareable
        place = app.route_block&.source_location
        Finding.new(kind: :roda, path: path, type: Describe.module_name(app), value: "Roda #{::Roda::RodaVersion}",
                    why: why || "without its plugin direct_call, Roda's app is a block that holds the class",
                    where: (Files.place(*place) if place), cure: cure_of_roda(Describe.module_name(app)))
      end

      def cure_of_roda(name)
        plugins = ["`plugin :direct_call`", *("`plugin :plain_hash_response_headers`" unless headers_shareable?)]
        "#{plugins.join(", ")}, `route(&#{shareable_proc})` and `run #{name}.freeze.app`: the block may then use " \
          "constants that are frozen and its own variables alone; or stay with `mode :threaded`"
      end

      # What Roda makes an answer's headers with, which has a table of its own.
      def headers_shareable?
        table = ::Rack::Headers.const_get(:KNOWN_HEADERS) if defined?(::Rack::Headers::KNOWN_HEADERS)
        ::Ractor.shareable?(table)
      end

      # As this Ruby has it.
      def shareable_proc
        return "Ractor.shareable_proc { |r| ... }" if ::Ractor.respond_to?(:shareable_proc)

        "Ractor.make_shareable(proc { |r| ... })"
      end

      private_class_method :sinatra_class, :sinatra, :roda_class, :roda, :cure_of_roda, :headers_shareable?,
                           :shareable_proc
    end
  end
end
