# frozen_string_literal: true

require "rbconfig"

module Kino
  module Reload
    # What an app is made of, and whether any of it has changed: the files in its folder that are code, templates or
    # settings, as they were before it was booted, and those that it has loaded from elsewhere, gems excepted, at its
    # boot or later. Folders that links lead to are its own.
    #
    # @api private
    class Files
      # What code, templates and settings are called.
      KINDS = /\.(?:rb|ru|rake|erb|haml|slim|builder|jbuilder|liquid|mustache|yml|yaml)\z|\A\.env(?:\.\w+)*\z/
      # Folders of what is nobody's code, or others'. So are those that begin with a dot.
      SKIPPED = %w[coverage log node_modules pkg public tmp vendor].freeze
      # Folders of Ruby's own files.
      RUBY = %w[rubylibprefix rubylibdir sitedir vendordir].filter_map { |name| RbConfig::CONFIG[name] }.freeze
      # Files past which a folder is none of an app: what has been loaded is looked at alone.
      MOST = 20_000
      private_constant :KINDS, :SKIPPED, :RUBY, :MOST

      # What is thrown where there are too many.
      TOO_MANY = :too_many_files
      private_constant :TOO_MANY

      # Takes note of what there is; to be made before the app is booted.
      #
      # @param folder [String] the app's
      def initialize(folder)
        @folder = folder
        @loaded_before = $LOADED_FEATURES.to_h { |path| [path, true] }
        @lock = Mutex.new
        @known = scan
        @loaded = {}
      end

      # The app is booted: what it has loaded from elsewhere is looked at, too, and what it loads from now on.
      #
      # @return [void]
      def booted = @lock.synchronize { note_loaded }

      # @return [String, nil] what has changed, has come or has gone, as it is seen from the app's folder; nil for
      #   nothing
      def changed = @lock.synchronize { find&.delete_prefix("#{@folder}/") }

      # @return [String] where the app is
      attr_reader :folder

      private

      # How many are loaded tells whether there are others.
      def note_loaded
        @count = $LOADED_FEATURES.size
        $LOADED_FEATURES.each do |path|
          next if @loaded_before.key?(path) || @known.key?(path) || foreign?(path)

          @loaded[path] ||= look(path)
        end
      end

      # Editors make files of their own beside those that they write, so a folder's change alone says nothing.
      def find
        note_loaded if @count && @count != $LOADED_FEATURES.size
        found = @loaded.find { |path, was| was != look(path) } and return found.first
        @known.each do |path, was|
          next if was == (now = look(path))
          return path unless was&.first == :folder && now

          return compare
        end
        nil
      end

      def compare
        now = scan
        before, found = files(@known), files(now)
        @known = now if before == found
        ((found.to_a - before.to_a).first || (before.to_a - found.to_a).first)&.first
      end

      def files(known) = known.reject { |_, was| was.nil? || was.first == :folder }

      def scan
        found, links, seen = {}, [], {}
        catch(TOO_MANY) { walk(@folder, found, links, seen) and return follow(links, found, seen) }
        {}
      end

      # Links come last, in an order of their own, so that each folder has one name. One that leads to too many files
      # is left out.
      def follow(links, found, seen)
        until links.empty?
          path = links.sort!.shift
          more, met = found.dup, seen.dup
          catch(TOO_MANY) do
            walk(path, more, links, met)
            found, seen = more, met
          end
        end
        found
      end

      def walk(folder, found, links, seen)
        return true unless first_time?(folder, seen)

        found[folder] = look(folder)
        Dir.each_child(folder) do |name|
          path = File.join(folder, name)
          if KINDS.match?(name) then found[path] = look(path)
          elsif name.start_with?(".") || SKIPPED.include?(name) then next
          elsif File.lstat(path).directory? then walk(path, found, links, seen)
          elsif link?(path) then links << path
          end
          throw(TOO_MANY) if found.size > MOST
        end
        true
      rescue SystemCallError # it has gone meanwhile, or is none of ours
        true
      end

      # A link may lead to where it lies.
      def first_time?(folder, seen)
        stat = File.stat(folder)
        seen[[stat.dev, stat.ino]] ? false : seen[[stat.dev, stat.ino]] = true
      rescue SystemCallError
        true
      end

      def link?(path) = File.directory?(path) && !foreign?(File.realpath(path))

      # What tells one state of it from another; nil when it isn't there.
      def look(path)
        stat = File.stat(path)
        stat.directory? ? [:folder, stat.mtime] : [stat.size, stat.mtime, stat.ino]
      rescue SystemCallError
        nil
      end

      def foreign?(path)
        gems = defined?(Gem) ? Gem.path : []
        @others ||= [*gems, *RUBY, File.expand_path("../..", __dir__)].map { |folder| "#{folder}/" }
        !path.start_with?("/") || @others.any? { |folder| path.start_with?(folder) }
      end
    end
  end

  private_constant :Reload
end
