# frozen_string_literal: true

require "prism"

module Kino
  class Configuration
    # Makes a `kino.rb` of a file that was written for Puma, as `kino --from-puma` prints it. The file is read and not
    # run, so that what it asks of the environment is still asked by the new one. What needs no change stands as it did:
    # Puma's words are known in a kino.rb, too.
    #
    # @api private
    class FromPuma
      # Words that a kino.rb has, and that mean something else there.
      OTHERWISE = { quiet: "to Puma it means to log no requests, which Kino does only with access_log" }.freeze
      private_constant :OTHERWISE

      # @param path [String] the file
      # @return [String] a kino.rb
      # @raise [ConfigurationError] when it can't be read, or is no Ruby
      def self.read(path)
        new(path, File.read(path)).text
      rescue SystemCallError => error
        raise ConfigurationError, "#{path}: Puma's configuration can't be read (#{error.message[/\A[^@]+/].strip}); " \
                                  "name it: kino --from-puma FILE"
      end

      # @param path [String] the file, as errors name it
      # @param source [String] what is in it
      def initialize(path, source)
        @path = path
        @source = source.b
        @encoding = source.encoding
      end

      # @return [String] a kino.rb
      # @raise [ConfigurationError] when it is no Ruby
      def text
        replace(all(tree).filter_map { |node| asked(node) if word?(node) && node.name == :get })
        replace([].tap { |edits| visit(tree, [], edits) })
        text = "# Made of #{@path} by kino --from-puma; kino --init explains every setting.\n\n#{@source}"
        text.force_encoding(@encoding)
      end

      private

      def tree
        result = Prism.parse(@source)
        return result.value if result.errors.empty?

        error = result.errors.first
        raise ConfigurationError, "#{@path}:#{error.location.start_line}: #{error.message}"
      end

      def replace(edits)
        edits.sort_by(&:first).reverse_each { |from, to, new| @source[from...to] = new.b }
      end

      def all(node) = [node, *node.compact_child_nodes.flat_map { |child| all(child) }]

      def visit(node, parents, edits)
        if word?(node)
          edit = edit(node, parents)
          edits << edit if edit
          return unless Puma::WORDS[node.name].fate == :does
        end
        node.compact_child_nodes.each { |child| visit(child, [*parents, node], edits) }
      end

      def word?(node) = node.is_a?(Prism::CallNode) && node.receiver.nil? && Puma::WORDS.key?(node.name)

      def edit(call, parents)
        word = Puma::WORDS[call.name]
        reason = OTHERWISE.fetch(call.name) { Puma.explain(call.name, literals(call)) unless kept?(word, call) }
        return comment_out(call, parents, reason) if reason

        block = call.block if call.block.is_a?(Prism::BlockNode)
        new = rewritten(call, values(call, block))
        # A block, where there is one, stays behind what is written anew.
        [offset(call), block ? offset(block) : closing(call), block ? "#{new} " : new] if new
      end

      # A setting that is asked for by a name that is another's in a kino.rb.
      def asked(call)
        name = literals(call).first&.to_sym
        return unless Puma::WORDS.key?(name) && Settings::TABLE.key?(name)

        node = arguments(call).first
        [offset(node), ending(node), Puma::WORDS[name].setting.inspect] unless Puma::WORDS[name].setting == name
      end

      # What it is given, without the key that a hook may have before its block.
      def values(call, block)
        block ? [] : [*arguments(call), *call.block].map(&:slice)
      end

      def kept?(word, call)
        %i[taken does].include?(word.fate) || Puma.restart_plugin?(call.name, literals(call))
      end

      # What is to be written, where that differs.
      def rewritten(call, values)
        case [call.name, values]
        in [:port, [number]] then port(number)
        in [:force_shutdown_after, [] | [":forever"]] then "shutdown_timeout #{PumaForms::FOREVER}"
        in [:force_shutdown_after, [":immediately"]] then "shutdown_timeout 0"
        in [:fork_worker, ["0"]] then "refork_after false"
        in [:fork_worker, [] | [/\A[\d_]+\z/]] then "refork_after [#{values.first || PumaForms::REQUESTS}, false]"
        in [:fork_worker, _] then nil
        in [:enable_keep_alives, ["false"]] then "max_keepalive_requests 1"
        in [:enable_keep_alives, _] then nil
        in [:max_keep_alive, ["Float::INFINITY"]] then "max_keepalive_requests nil"
        in [:bind, _] then bind(call)
        in [:plugin, _] then "restart_file #{Puma::RESTART_FILE.inspect}"
        else renamed(call.name, values)
        end
      end

      # Where the file says which host goes with ports, the new one understands that, too.
      def port(number)
        return if @source.include?("set_default_host")

        number = "\#{#{number}}" unless number.match?(/\A\d+\z/)
        "bind \"tcp://#{PumaForms::HOST}:#{number}\""
      end

      def bind(call)
        value = literals(call).first
        plain, left_out = PumaForms.address(value) if value
        "bind #{plain.inspect}" unless left_out.to_s.empty?
      end

      def renamed(name, values)
        setting = Puma::WORDS[name].setting
        return if setting.nil? || setting == name

        values = ["true"] if values.empty? && Settings::TABLE[setting].flag?
        return "#{setting}(#{values.join(", ")})" if values.last.to_s.start_with?("&")

        [setting, *(values.join(", ") if values.any?)].join(" ")
      end

      # With what is to be known about it, where it is a statement that has its lines to itself.
      def comment_out(call, parents, reason)
        statement = statement(call, parents)
        return unless statement

        first = (@source.rindex("\n", offset(statement)) || -1) + 1
        last = @source.index("\n", ending(statement)) || @source.size
        before, after = @source[first...offset(statement)], @source[ending(statement)...last]
        return unless before.strip.empty? && after.match?(/\A\s*(#.*)?\z/)

        lines = @source[first...last].lines.map { |line| line.sub(/\A(#{before})?/, "#{before}# ").sub(/ +$/, "") }
        [first, last, "#{before}# #{call.name}: #{reason}\n#{lines.join}"]
      end

      def statement(call, parents)
        node = call
        parents.reverse_each do |parent|
          return node if parent.is_a?(Prism::StatementsNode) && !modified?(parents, parent)

          node = parent
          break unless parent.is_a?(Prism::StatementsNode) || modifier?(parent)
        end
        nil
      end

      def modified?(parents, statements) = modifier?(parents[parents.index(statements) - 1])

      # `word if condition`: what is done stands before the condition.
      def modifier?(node)
        return false unless node.is_a?(Prism::IfNode) || node.is_a?(Prism::UnlessNode)

        !node.statements.nil? && offset(node.statements) == offset(node)
      end

      def arguments(call) = call.arguments&.arguments.to_a

      # Of what it is given, the Symbols and Strings that stand there as such.
      def literals(call)
        arguments(call).map { |node| node.unescaped if node.is_a?(Prism::SymbolNode) || node.is_a?(Prism::StringNode) }
      end

      def offset(node) = node.location.start_offset

      def ending(node) = node.location.end_offset

      # Where a call ends, the parenthesis behind a `&block` included.
      def closing(call) = [ending(call), call.closing_loc&.end_offset].compact.max
    end
  end
end
