# frozen_string_literal: true

require "socket"

module Kino
  # One end of what two processes of a server tell each other by: messages of a few words, and a descriptor with one if
  # need be. An end that is gone is how one learns of the other's death.
  #
  # @api private
  class Wire
    # Bytes that are read at once.
    READ = 65_536
    private_constant :READ

    # @return [Array(Wire, Wire)] both ends: the first is the parent's, which waits for nobody to read
    def self.pair
      ours, theirs = UNIXSocket.pair
      [new(ours, waits: false), new(theirs)]
    end

    # @param socket [BasicSocket] a stream socket of the unix domain
    # @param waits [Boolean] whether {#tell} waits where the other end has left so much unread that there is no room
    def initialize(socket, waits: true)
      @socket = socket
      @waits = waits
      @unread = "".b
      @messages = []
      @descriptors = []
    end

    # @return [BasicSocket] to be waited for, and to be handed on
    def to_io = @socket

    # Tells the other end.
    #
    # @param words [Array<#to_s>]
    # @param descriptor [IO, nil] what it is to have, too
    # @return [Boolean] false when nobody is there any more, or nobody who reads
    def tell(*words, descriptor: nil)
      # In base64, so that any text is one word of one line.
      line = "#{words.map { |word| [word.to_s].pack("m0") }.join(" ")}\n"
      rights = [Socket::AncillaryData.unix_rights(descriptor)] if descriptor
      return offer(line, rights) unless @waits

      sent = @socket.sendmsg(line, 0, nil, *rights) # as much of it as there is room for
      @socket.write(line.byteslice(sent..)) if sent < line.bytesize
      true
    rescue SystemCallError, IOError
      false
    end

    # What the other end has told, oldest first; waits for nothing.
    #
    # @return [Array<Array<String>>, nil] messages; nil when all are read and the other end is gone
    def hear
      is_open = read
      messages = @messages.shift(@messages.size)
      messages unless messages.empty? && !is_open
    end

    # @return [Array<String>, nil] the next message, which is waited for; nil when there will be none
    def wait
      while @messages.empty?
        @socket.wait_readable
        return @messages.shift unless read
      end
      @messages.shift
    end

    # @return [IO, nil] the descriptor that came first, of those not yet taken
    def take_descriptor = @descriptors.shift

    # @return [void]
    def close = @socket.close

    # @return [Boolean] whether it was closed here
    def closed? = @socket.closed?

    private

    # All of it, or nothing: to one that is told half a message all further ones are noise, so that is its end.
    def offer(line, rights)
      sent = @socket.sendmsg_nonblock(line, 0, nil, *rights, exception: false)
      return true if sent == line.bytesize

      close unless sent == :wait_writable
      false
    end

    # Whether there may be more.
    def read
      loop do
        text, _, _, *controls = @socket.recvmsg_nonblock(READ, exception: false, scm_rights: true)
        return true if text == :wait_readable

        @descriptors.concat(controls.flat_map(&:unix_rights)) unless controls.empty?
        return false if text.nil? || text.empty?

        @unread << text
        while (line = @unread.slice!(/\A[^\n]*\n/))
          words = line.chomp.split(/ /, -1) # also those of no letter
          @messages << words.map { |word| word.unpack1("m0").force_encoding(Encoding::UTF_8) }
        end
      end
    rescue SystemCallError, IOError
      false
    end
  end

  private_constant :Wire
end
