# frozen_string_literal: true

require "socket"
require_relative "../control/token"
require_relative "../errors"

module Kino
  class CLI
    # Asks a server at its control socket.
    #
    # @api private
    class ControlClient
      # Seconds that all of an answer may take: a page may wait for each process to tell what it is at.
      PATIENCE = 10
      # Addresses that stand for all a machine has.
      ANY = { "0.0.0.0" => "127.0.0.1", "[::]" => "::1" }.freeze
      private_constant :PATIENCE, :ANY

      # @param what [Symbol] the command, for errors
      # @param configuration [Configuration]
      # @raise [ConfigurationError] when there is no such socket
      def initialize(what, configuration)
        @what = what
        @uri = configuration.control
        @token = configuration.control_token
        return if @uri

        raise ConfigurationError, "#{what}: which server? Write control \"unix:///run/kino.sock\" in its kino.rb, or " \
                                  "kino #{what} --control URI"
      end

      # @return [Boolean] whether anybody listens there
      def there?
        connect.close
        true
      rescue SystemCallError, SocketError
        false
      end

      # @param path [String] a page
      # @return [Array(Integer, String)] the answer's status and body
      # @raise [ConfigurationError] when nobody answers, or only those who know the token may ask
      def get(path) = ask("GET", path)

      # @param path [String] what is to be done
      # @return (see #get)
      # @raise (see #get)
      def post(path) = ask("POST", path)

      private

      def ask(method, path)
        socket = connect
        socket.timeout = PATIENCE
        socket.write("#{method} #{path} HTTP/1.1\r\nhost: localhost\r\n#{authorization}content-length: 0\r\n\r\n")
        head, body = read(socket).split("\r\n\r\n", 2)
        status = head.to_s[%r{\AHTTP/1\.1 (\d{3})}, 1].to_i
        refuse("answers as no control socket does; is that the app's own?") if status.zero?
        raise ConfigurationError, "#{@what}: #{body.strip}" if [401, 403].include?(status)

        [status, body]
      rescue IO::TimeoutError
        refuse("has not answered within #{PATIENCE} s")
      rescue SystemCallError, SocketError => error
        refuse("can't be asked (#{error.message.split(" - ").first}); is Kino running, and this its kino.rb?")
      ensure
        socket&.close
      end

      def connect
        address = @uri.split("?").first
        return UNIXSocket.new(address.delete_prefix("unix://").sub(/\A@/, "\0")) if address.start_with?("unix:")

        host, _, port = address.delete_prefix("tcp://").rpartition(":")
        TCPSocket.new(ANY.fetch(host, host.delete("[]")), port.to_i, connect_timeout: PATIENCE)
      end

      def read(socket)
        text, due = +"", now + PATIENCE
        loop do
          left = due - now
          raise IO::TimeoutError unless left.positive? && socket.wait_readable(left)

          text << socket.readpartial(65_536)
        end
      rescue EOFError
        text.force_encoding(Encoding::UTF_8)
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      # A unix socket's clients are known without it.
      def authorization
        return "" unless @token && @uri.start_with?("tcp:")

        "authorization: Bearer #{Token.read(@token)}\r\n"
      end

      def refuse(why)
        raise ConfigurationError, "#{@what}: #{@uri} #{why}"
      end
    end
  end
end
