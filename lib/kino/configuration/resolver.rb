# frozen_string_literal: true

module Kino
  class Configuration
    # Makes one configuration of what several places say: for each setting the strongest place counts, and its default
    # where none says anything.
    #
    # Addresses are `bind`, `host` and `port` together:
    # - the strongest place that says `bind` gives the addresses;
    # - a `port` or `host` beside it, in the same place, is one more address, as it is for Puma;
    # - a `port` or `host` from a stronger place changes the first TCP address, and adds one where there is none:
    #   `PORT=5000` moves `bind "tcp://0.0.0.0:8080"` in kino.rb to 0.0.0.0:5000, and lets a unix socket be;
    # - one from a weaker place says nothing: `-b` wins over `PORT`;
    # - `PORT` in the environment, where nobody names a host, is a platform's that sends its requests to any interface.
    #
    # @api private
    class Resolver
      # What the start says where {Address::EVERYWHERE} was chosen.
      EVERYWHERE = "PORT is set and no host: on every interface, as platforms that set it expect " \
                   '(host "127.0.0.1" in kino.rb keeps to this machine)'
      private_constant :EVERYWHERE

      # @param layers [Array<Layer>] what each place says, strongest first
      def initialize(layers)
        @layers = layers
      end

      # @return [Hash{Symbol => Object}] a value for every setting that a configuration has, but for those whose default
      #   depends on others, where nobody says anything
      def values
        all = Settings::KEPT.to_h { |setting| [setting.name, setting.name == :bind ? addresses : value(setting)] }
        all[:min_threads] = least_threads
        all.reject { |name, value| value.nil? && !Settings::TABLE[name].optional? }
      end

      # @param name [Symbol] a setting's
      # @return [String] where it was said, for an error
      def label(name) = strongest(name)&.source&.label(name) || name.to_s

      # @return [Array<String>] what whoever starts Kino may not expect, a line each
      def notes = [*(EVERYWHERE if everywhere?), *@layers.flat_map(&:notes)]

      # @return [Remarks] what was said besides
      def remarks
        addressed = @layers.any? { |layer| !layer.unsaid && (layer[:bind] || address_part?(layer)) }
        Remarks.new(*concurrency, @layers.flat_map(&:ignored).freeze, @layers.filter_map(&:unread).first, addressed)
      end

      private

      # Which place says `bind`: those before it are stronger.
      def rank = @layers.index { |layer| layer[:bind] } || @layers.size

      # What `WEB_CONCURRENCY` says, or `workers` in a file of Puma's: so many workers in mode `:ractor`, unless a
      # stronger place says `workers`, and so many processes in others, unless one says `processes`.
      def concurrency
        at = @layers.index { |layer| layer[:processes]&.source&.by_mode? }
        return [nil, nil] unless at

        number = @layers[at][:processes].value
        %i[workers processes].map { |name| number unless strongest(name, @layers.first(at)) }
      end

      def value(setting)
        entry = strongest(setting.name)
        entry ? entry.value : setting.default
      end

      # A place that says `threads` says the least, too, unless that stands beside it, or in a stronger place. The
      # environment says the most alone (`RAILS_MAX_THREADS`), and the least is no more than that.
      def least_threads
        at = @layers.index { |layer| layer[:threads] && !most_alone?(layer[:threads]) }
        said = @layers[at][:threads].value if at
        least = strongest(:min_threads, @layers.first((at || @layers.size) + 1))&.value
        least ||= said.begin if said.is_a?(Range)
        most = strongest(:threads)
        least && most && most_alone?(most) ? [least, most.value].min : least
      end

      def most_alone?(threads) = threads.source.variable? && threads.value.is_a?(Integer)

      # What depends on the mode is none of the settings, see {Remarks}.
      def strongest(name, layers = @layers)
        layers.filter_map { |layer| layer[name] }.find { |entry| !entry.source.by_mode? }
      end

      def addresses
        bind = strongest(:bind)&.value || Settings::TABLE[:bind].default
        moved = move(bind, @layers.first(rank))
        rank < @layers.size && address_part?(@layers[rank]) ? [*moved, beside(@layers[rank])].uniq.freeze : moved
      end

      # The addresses as places stronger than theirs want them.
      def move(bind, stronger)
        return bind unless stronger.any? { |layer| address_part?(layer) }

        host, port = %i[host port].map { |name| strongest(name, stronger)&.value }
        host ||= strongest(:host)&.value if bind.none? { |address| address.start_with?("tcp://") }
        host ||= Address::EVERYWHERE if everywhere?
        Address.change(bind, host:, port:).uniq.freeze
      end

      # Whether the port is the environment's, and the host nobody's.
      def everywhere?
        port = strongest(:port, @layers.first(rank))
        said = strongest(:bind)&.value.to_a.any? { |address| address.start_with?("tcp://") } || strongest(:host)
        !said && port&.source&.variable? || false
      end

      def beside(layer) = Address.tcp(layer[:host]&.value || Address::HOST, layer[:port]&.value || Address::PORT)

      def address_part?(layer) = layer[:host] || layer[:port]
    end
  end
end
