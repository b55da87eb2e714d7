# frozen_string_literal: true

require_relative "../errors"

module Kino
  # The text that whoever gives orders over TCP has to know, from its file.
  #
  # @api private
  module Token
    # Bytes that are read at most: the file may be none, such as /dev/zero.
    MOST = 4096
    # What fits into an `authorization` field: visible characters of ASCII.
    TEXT = /\A[!-~]+\z/
    private_constant :MOST, :TEXT

    # @param path [String]
    # @return [String]
    # @raise [ConfigurationError] when it can't be read, or is no token
    def self.read(path)
      # Nobody waits for whoever may write to a pipe.
      text = File.open(path, File::RDONLY | File::NONBLOCK) { |file| file.read(MOST + 1) }.to_s.b.strip
      return text.force_encoding(Encoding::US_ASCII) if text.bytesize <= MOST && text.match?(TEXT)

      refuse(path, text.empty? ? "is empty" : "has more than #{MOST} bytes, or other characters than letters, digits " \
                                              "and signs of ASCII", "write a long random text into it")
    rescue SystemCallError => error
      refuse(path, "can't be read (#{error.message[/\A[^@]+/].strip})", "write the path of a file that has the token")
    end

    def self.refuse(path, why, cure) = raise(ConfigurationError, "control_token: #{path} #{why}; #{cure}")
    private_class_method :refuse
  end

  private_constant :Token
end
