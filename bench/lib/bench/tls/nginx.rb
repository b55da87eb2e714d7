# frozen_string_literal: true

require "fileutils"
require "open3"
require_relative "../problem"

module Bench
  module Tls
    # nginx with one worker process, which answers by itself, or passes on to a server behind it.
    class Nginx
      # Where Debian has it, which is in nobody's PATH but root's.
      FOLDERS = [*ENV["PATH"].split(File::PATH_SEPARATOR), "/usr/sbin", "/usr/local/sbin"].freeze

      # @return [String, nil]
      def self.program
        FOLDERS.map { |folder| File.join(folder, "nginx") }.find { |path| File.executable?(path) }
      end

      # @return [String, nil]
      def self.version
        program && Open3.capture2e(program, "-v").first[%r{nginx/([\d.]+)}, 1]
      end

      # @raise [Problem] when it isn't installed
      def self.check
        return if program

        raise Problem, "nginx is missing, which Kino is measured against; on Debian: apt-get install nginx-light, or " \
                       "leave nginx-http, nginx-https and nginx-proxy out with --servers"
      end

      # @param folder [String] for its files
      # @param certificate [Certificate]
      def initialize(folder, certificate)
        @folder = folder
        @certificate = certificate
      end

      # @param port [Integer]
      # @param listen [String] what is said of it beside the port, such as "ssl"
      # @param behind [Integer, nil] the port of a server that answers
      # @return [Array<String>] the command line
      def command(port, listen = "", behind: nil)
        folder = File.join(@folder, port.to_s)
        FileUtils.mkdir_p(folder)
        file = File.join(folder, "nginx.conf")
        File.write(file, configuration(folder, "127.0.0.1:#{port} #{listen}", behind))
        [self.class.program, "-e", "stderr", "-p", folder, "-c", file]
      end

      private

      # Connections are never closed for the number of their requests: a handshake would be counted as requests.
      def configuration(folder, listen, behind)
        <<~CONF
          daemon off;
          worker_processes 1;
          pid #{folder}/pid;
          events { worker_connections 4096; }
          http {
            access_log off;
            default_type text/plain;
            keepalive_requests 1000000000;
            #{%w[client_body proxy fastcgi uwsgi scgi].map { |kind| "#{kind}_temp_path #{folder}/#{kind};" }.join(" ")}
            ssl_protocols TLSv1.2 TLSv1.3;
            ssl_certificate #{@certificate.cert};
            ssl_certificate_key #{@certificate.key};
            #{upstream(behind) if behind}
            server {
              listen #{listen};
              location / { #{behind ? passed_on : 'return 200 "Hello, World!";'} }
            }
          }
        CONF
      end

      def upstream(port)
        "upstream kino { server 127.0.0.1:#{port}; keepalive 128; keepalive_requests 1000000000; }"
      end

      def passed_on
        'proxy_pass http://kino; proxy_http_version 1.1; proxy_set_header Connection ""; ' \
          "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme;"
      end
    end
  end
end
