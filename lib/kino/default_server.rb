# frozen_string_literal: true

module Kino
  # Makes Kino what `rackup`, `rails server` and Sinatra's `run!` start where nobody names a server and neither Puma nor
  # Falcon can be had: they would take WEBrick. Whoever names one, by `-s`, `-u`, `RACKUP_HANDLER` or `set :server`, has
  # that.
  #
  # @api private
  module DefaultServer
    # What a start says of it.
    NOTICE = "Kino is the default server here, since neither Puma nor Falcon is in the bundle (-s, -u or " \
             "RACKUP_HANDLER names another)"
    # Variables that name rackup's server.
    VARIABLES = %w[RACKUP_HANDLER RACK_HANDLER].freeze
    private_constant :VARIABLES

    # For {::Rackup::Handler}: its lists of servers, the best first, have Kino before the last resort.
    module Pick
      # @param server_names [Array<#to_sym>, #to_sym] the list, or the one that is wanted
      # @return [Module] the first that there is
      def pick(server_names)
        names = DefaultServer.among(server_names)
        super(names || server_names).tap { |handler| handler.picked = true if names && handler.respond_to?(:picked=) }
      end
    end

    class << self
      # Where rackup is installed. Where it isn't, there is nothing that could pick a server.
      #
      # @return [void]
      def offer
        require "rackup/handler"
        ::Rackup::Handler.singleton_class.prepend(Pick)
      rescue LoadError => error
        raise unless error.path == "rackup/handler"
      end

      # @param server_names [Array<#to_sym>, #to_sym] what there is to pick from
      # @return [Array<Symbol>, nil] the same with Kino; nil where that is none of its business
      def among(server_names)
        names = Array(server_names).map(&:to_sym)
        return unless names.include?(:puma) && names.include?(:webrick) && !names.include?(:kino)
        return if VARIABLES.any? { |variable| ENV[variable] }

        names.insert(names.index(:webrick), :kino)
      end
    end
  end

  private_constant :DefaultServer
end
