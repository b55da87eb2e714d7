# frozen_string_literal: true

module Kino
  module Check
    # One thing that keeps an app out of `:ractor` mode. It holds words alone, never the app's objects.
    #
    # @!attribute [r] kind
    #   @return [Symbol] what it is, for programs: `:unfrozen`, `:block`, `:method`, `:lock`, `:queue`, `:io`,
    #     `:thread`, `:logger`, `:iterator`, `:native`, `:constant`, `:class_ivar`, `:class_variable`, `:global`,
    #     `:define_method`, `:require`, `:rails` or `:unknown`
    # @!attribute [r] path
    #   @return [String] the way to it from the app, `app.@app.@cache`, or its name, `App::CACHE`
    # @!attribute [r] type
    #   @return [String, nil] the name of its class; nil where it is no object
    # @!attribute [r] value
    #   @return [String, nil] the object in short; nil where it is no object
    # @!attribute [r] why
    #   @return [String] what is wrong with it
    # @!attribute [r] where
    #   @return [String, nil] file:line where it was made or is used; nil where that can't be told
    # @!attribute [r] cure
    #   @return [String] what to do about it
    Finding = Data.define(:kind, :path, :type, :value, :why, :where, :cure) do
      # @return [String] in one line: what, why and where
      def to_s = "#{path}: #{why}#{" (#{where})" if where}"

      # @return [Hash{Symbol => String, nil}] for JSON; `type` is called `class` there
      def to_h
        { kind: kind.to_s, path: path, class: type, value: value, why: why, where: where, cure: cure }
      end
    end
  end
end
